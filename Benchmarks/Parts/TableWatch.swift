internal import Faults
internal import Netlink
internal import Support

/// Looks at nf_tables in several namespaces. Blocks: use it on a thread of your own.
final class TableWatch: Sendable {
  private let connections: [Watched]

  init(_ namespaces: [NetworkNamespace]) throws(NetlinkError) {
    connections = try namespaces.map { (namespace) throws(NetlinkError) in
      Watched(namespace: namespace.name ?? "-", connection: try NFTables.Connection(in: namespace))
    }
  }

  /// Ends the watch; its sockets would keep the namespaces alive.
  func close() {
    for item in connections { item.connection.close() }
  }

  /// Tables of faults that exist now, with their namespaces.
  func tables() throws(NetlinkError) -> [String] {
    var found: [String] = []
    for item in connections { found += try item.tables() }
    return found
  }

  /// How many peers are cut off, by the tables of whomever.
  func peers() throws(NetlinkError) -> Int {
    var count = 0
    for item in connections {
      for set in try item.connection.ruleset().sets where set.name.hasPrefix("peers") {
        count += try item.connection.elements(of: set.name, in: set.table).count
      }
    }
    return count
  }

  /// When the tables of a process that was just killed were gone.
  struct Release {
    /// For each namespace the end of the first look that found no table, after the last one that found any; nanoseconds,
    /// monotonic.
    var goneAt: [String: Int64]

    /// The moment from which on nothing was left anywhere.
    var lastAt: Int64 { goneAt.values.max() ?? 0 }
  }

  /// Looks every 100 µs or so until no table is left and `hasEnded`, so that none can come any more.
  ///
  /// - Throws: ``Problem`` naming what is left after `limit`.
  func waitUntilNone(limit: Duration, hasEnded: () -> Bool) throws -> Release {
    let deadline = Timebase.system.monotonic() + limit.nanoseconds
    var goneAt: [String: Int64] = [:]
    while true {
      let isLast = hasEnded()
      var left: [String] = []
      for item in connections {
        let tables = try item.tables()
        left += tables
        let now = Timebase.system.monotonic()
        goneAt[item.namespace] = tables.isEmpty ? goneAt[item.namespace] ?? now : nil
      }
      if isLast, left.isEmpty { return Release(goneAt: goneAt) }
      if Timebase.system.monotonic() > deadline {
        throw Problem(
          .recoveryIncomplete, at: left.first,
          left.isEmpty
            ? "the process still runs \(limit.brief) after SIGKILL"
            : "\(left.count) tables are left \(limit.brief) after SIGKILL: \(left.joined(separator: ", "))")
      }
      breathe()
    }
  }
}

/// The connection to one namespace.
private struct Watched: Sendable {
  var namespace: String
  var connection: NFTables.Connection

  /// Tables of faults that exist now.
  func tables() throws(NetlinkError) -> [String] {
    try connection.tables().filter { $0.id.name.hasPrefix(Fault.tablePrefix) }.map { "\(namespace): \($0.id)" }
  }
}
