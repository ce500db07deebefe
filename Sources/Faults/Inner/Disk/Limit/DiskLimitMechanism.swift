internal import Glibc
internal import Support
internal import Synchronization

/// Limits how much control groups get of a disk, or of each of several.
final class DiskLimitMechanism: Mechanism {
  let choice: MechanismChoice
  private let order: InnerOrder
  private let limit: DiskLimit
  private let devices: [String]
  private let groups: [String]
  private let isVersion2: Bool
  private let held: HeldValues
  private let state = Mutex(State())

  private struct State {
    var tally = InnerCounters()
    var first: [String: DiskTraffic]?
    var last: [String: DiskTraffic] = [:]
    var lastAt: Int64 = 0
  }

  init(_ order: InnerOrder, _ choice: MechanismChoice, _ limit: DiskLimit) throws {
    self.order = order
    self.choice = choice
    self.limit = limit
    let devices = try Self.devices(limit, order)
    self.devices = devices
    var groups: [String]
    var isVersion2 = true
    do { groups = try order.ownGroups(controller: nil, having: "io.max") } catch let error as FaultError {
      guard case .unsupported = error.reason, try ControlGroups().version1("blkio") != nil else { throw error }
      groups = try order.ownGroups(controller: "blkio", having: "blkio.throttle.write_bps_device")
      isVersion2 = false
    }
    self.groups = groups
    self.isVersion2 = isVersion2
    held = HeldValues(
      values: try groups.flatMap { group in try devices.flatMap { try limit.values(of: group, $0, isVersion2) } })
    if let same = held.values.first(where: { $0.original == $0.ours }) {
      throw order.refusal(
        .invalid("\(same.file) shows '\(same.key ?? "") \(same.ours)' already, so nothing would change"))
    }
  }

  /// The disk that the path lies on. Where nobody knows of places by their names, as on a host, those that the processes write to.
  private static func devices(_ limit: DiskLimit, _ order: InnerOrder) throws -> [String] {
    if !limit.path.hasPrefix("/"), order.scope.disks == nil {
      let written = Set(try order.processes().flatMap { try BlockDevice.written(by: $0.identity.pid) })
      guard written.isEmpty else { return written.sorted() }
      throw order.refusal(.unsupported("none of the chosen processes has a file open for writing that lies on a disk"))
    }
    guard let path = limit.path.hasPrefix("/") ? limit.path : order.scope.disks?.path(named: limit.path) else {
      throw order.refusal(.unsupported("nobody knows here where the data of \(limit.path) are"))
    }
    if let prepared = order.scope.disks?.prepared.first(where: { $0.path == path || !limit.path.hasPrefix("/") }) {
      throw order.refusal(
        .unsupported(
          "\(prepared.path) is a prepared directory: its pass-through does all the work on the disk, which no limit of "
            + "others reaches"))
    }
    return [try BlockDevice.holding(path)]
  }

  var changes: [String] { held.changes }
  var undo: [UndoAction] { held.undo }
  var counters: InnerCounters { state.withLock { $0.tally } }

  func make() throws -> [String] {
    try held.set()
    try count()
    return held.values.map { "\($0.file) shows '\($0.key ?? "") \($0.ours)'" }
  }

  func look() throws -> String? {
    try count()
    return try held.missing()
  }

  private func count() throws {
    var traffic: [String: DiskTraffic] = [:]
    for device in devices { traffic[device] = try self.traffic(device) }
    let now = order.timebase.monotonic()
    var members = 0
    for group in groups { members += try ControlGroups.members(of: group).count }
    state.withLock { state in
      state.tally.meant = members
      state.tally.reached = members
      guard let first = state.first else {
        (state.first, state.last, state.lastAt) = (traffic, traffic, now)
        return
      }
      // In less time the kernel's own portions (100 ms) would be counted.
      guard now - state.lastAt >= 250_000_000 else { return }
      let isHeldUp = traffic.contains { device, passed in
        passed.isHeldUp(by: limit, since: state.last[device] ?? passed, for: now - state.lastAt)
      }
      if isHeldUp { state.tally.hits += 1 }
      (state.last, state.lastAt) = (traffic, now)
      state.tally.particulars["intervals at the limit"] = state.tally.hits
      state.tally.particulars["operations passed"] = Self.sum(traffic, first) { $0.reads + $0.writes }
      state.tally.particulars["bytes passed"] = Self.sum(traffic, first) { $0.readBytes + $0.writeBytes }
    }
  }

  private static func sum(
    _ now: [String: DiskTraffic], _ first: [String: DiskTraffic], _ value: (DiskTraffic) -> UInt64
  ) -> UInt64 {
    now.map { value($0.value) - (first[$0.key].map(value) ?? 0) }.reduce(0, +)
  }

  private func traffic(_ device: String) throws(SystemError) -> DiskTraffic {
    func text(_ file: String) throws(SystemError) -> String {
      String(decoding: try readFile(file, limit: 1 << 20), as: UTF8.self)
    }
    var sum = DiskTraffic()
    for group in groups {
      if isVersion2 {
        sum = sum + DiskTraffic(ioStat: try text("\(group)/io.stat"), device: device)
      } else {
        sum =
          sum
          + DiskTraffic(
            bytes: try text("\(group)/blkio.throttle.io_service_bytes"),
            operations: try text("\(group)/blkio.throttle.io_serviced"), device: device)
      }
    }
    return sum
  }

  func takeAway() throws -> [String] { try held.restore() }
}

extension DiskLimit {
  /// What is written into the files of a group to limit what it gets of a disk.
  fileprivate func values(of group: String, _ device: String, _ isVersion2: Bool) throws -> [ControlGroupValue] {
    if isVersion2 {
      return [
        try ControlGroupValue("\(group)/io.max", key: device, neutral: Self.noLine, ours: { line(inPlaceOf: $0) })
      ]
    }
    return try files.map { file in
      try ControlGroupValue("\(group)/\(file.name)", key: device, neutral: "0", ours: { _ in "\(file.value)" })
    }
  }
}
