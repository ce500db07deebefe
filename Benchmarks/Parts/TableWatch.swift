internal import Faults
internal import Netlink
internal import Support

/// Looks at nf_tables in several namespaces. Blocks: use it on a thread of your own.
final class TableWatch: Sendable {
  private let connections: [(namespace: String, connection: NFTables.Connection)]

  init(_ namespaces: [NetworkNamespace]) throws(NetlinkError) {
    connections = try namespaces.map { (namespace) throws(NetlinkError) in
      (namespace.name ?? "-", try NFTables.Connection(in: namespace))
    }
  }

  /// Ends the watch; its sockets would keep the namespaces alive.
  func close() {
    for item in connections { item.connection.close() }
  }

  /// Tables of faults that exist now, with their namespaces.
  func tables() throws(NetlinkError) -> [String] {
    var found: [String] = []
    for item in connections {
      for table in try item.connection.tables() where table.id.name.hasPrefix(Fault.tablePrefix) {
        found.append("\(item.namespace): \(table.id)")
      }
    }
    return found
  }

  /// How many peers are cut off, by the tables of whomever.
  func peers() throws(NetlinkError) -> Int {
    var count = 0
    for item in connections {
      for set in try item.connection.ruleset().sets {
        count += try item.connection.elements(of: set.name, in: set.table).count
      }
    }
    return count
  }

  /// When the tables of a process that was just killed were gone.
  struct Release {
    /// End of the first look that found no table, after the last one that found any; nanoseconds, monotonic.
    var goneAt: Int64
    /// Looks that found a table.
    var looksWithTables: Int
  }

  /// Looks without pause until no table is left and `hasEnded`, so that none can come any more.
  ///
  /// - Throws: ``Problem`` naming what is left after `limit`.
  func waitUntilNone(limit: Duration, hasEnded: () -> Bool) throws -> Release {
    let deadline = Timebase.system.monotonic() + limit.nanoseconds
    var looks = 0
    var goneAt: Int64?
    while true {
      let isLast = hasEnded()
      let left = try tables()
      let now = Timebase.system.monotonic()
      if left.isEmpty {
        let since = goneAt ?? now
        goneAt = since
        if isLast { return Release(goneAt: since, looksWithTables: looks) }
      } else {
        looks += 1
        goneAt = nil
      }
      if now > deadline {
        throw Problem(
          .recoveryIncomplete, at: left.first,
          left.isEmpty
            ? "the process still runs \(limit.brief) after SIGKILL"
            : "\(left.count) tables are left \(limit.brief) after SIGKILL: \(left.joined(separator: ", "))")
      }
    }
  }
}
