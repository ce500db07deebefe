internal import Faults
internal import Glibc
internal import Netlink
internal import Support

/// What of a fault is on its node and on this machine, found without the records or the code of whoever made it.
struct FaultRemains: Sendable, Hashable {
  var tables: [String]
  var devices: [String]
  /// Guardians that still run.
  var guardians: [Int32]

  var isEmpty: Bool { tables.isEmpty && devices.isEmpty && guardians.isEmpty }

  /// `1 table, 2 devices`; `nothing`.
  var brief: String {
    let parts = [(tables.count, "table"), (devices.count, "device"), (guardians.count, "guardian")]
      .filter { $0.0 > 0 }.map { "\($0) \($1)\($0 == 1 ? "" : "s")" }
    return parts.isEmpty ? "nothing" : parts.joined(separator: ", ")
  }
}

/// Looks at one node. Blocks: use it on a thread of your own.
final class SweptNode: Sendable {
  private let filter: NFTables.Connection
  private let links: LinkController
  private let stateDirectory: String

  init(_ namespace: NetworkNamespace, stateDirectory: String) throws {
    filter = try NFTables.Connection(in: namespace)
    links = try LinkController(in: namespace)
    self.stateDirectory = stateDirectory
  }

  func close() {
    filter.close()
    links.close()
  }

  func tables() throws -> [String] {
    try filter.tables().map(\.id).filter { $0.name.hasPrefix(Fault.tablePrefix) }.map { "\($0)" }
  }

  /// Devices of any name that carry an alias of this tool's, or have a name like those that it gives but no alias yet.
  func devices() throws -> [String] {
    try links.links().filter { link in
      link.alias?.hasPrefix("blackstart/") ?? (link.kind == "ifb" && link.name.hasPrefix("bs"))
    }.map(\.name)
  }

  /// Processes that have the state directory and the word `guardian` on their command line.
  func guardians() throws -> [Int32] {
    try listDirectory("/proc").compactMap { entry in
      // A process that ends while it is looked at is none that is left.
      guard let pid = Int32(entry), let bytes = try? readFile("/proc/\(pid)/cmdline", limit: 1 << 16) else {
        return nil
      }
      let words = bytes.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
      guard words.count > 2, words[1] == "guardian", words[2].hasPrefix(stateDirectory) else { return nil }
      return pid
    }
  }

  /// Whether no rule of a fault can match: each begins with a look into the set `alive`, in which nothing is left.
  func isWithoutEffect() throws -> Bool {
    let sets = try filter.ruleset().sets.filter { $0.table.name.hasPrefix(Fault.tablePrefix) && $0.name == "alive" }
    return try sets.allSatisfy { try filter.elements(of: $0.name, in: $0.table).isEmpty }
  }

  /// Waits at most a second for guardians to end: one that has done its work is on its way out.
  func waitForGuardians() throws {
    let deadline = Timebase.system.monotonic() + 1_000_000_000
    while try !guardians().isEmpty, Timebase.system.monotonic() < deadline { breathe() }
  }

  func remains() throws -> FaultRemains {
    FaultRemains(tables: try tables(), devices: try devices(), guardians: try guardians())
  }

  /// Looks until neither tables nor devices are left, or until `limit` has passed since `start`.
  ///
  /// - Returns: for each the end of the first look that found none, after the last one that found any; `nil` if there are
  ///   some still.
  func watch(since start: Int64, limit: Duration) throws -> (tables: Int64?, devices: Int64?) {
    var tablesGone: Int64?
    var devicesGone: Int64?
    while true {
      let hasTables = try !tables().isEmpty
      tablesGone = hasTables ? nil : tablesGone ?? Timebase.system.monotonic()
      let hasDevices = try !devices().isEmpty
      devicesGone = hasDevices ? nil : devicesGone ?? Timebase.system.monotonic()
      let now = Timebase.system.monotonic()
      // Once more after both: what a process that is being killed had under way can still come.
      let isSettled = [tablesGone, devicesGone].allSatisfy { $0.map { now - $0 > 20_000_000 } ?? false }
      if isSettled || now > start + limit.nanoseconds { return (tablesGone, devicesGone) }
      breathe()
    }
  }
}
