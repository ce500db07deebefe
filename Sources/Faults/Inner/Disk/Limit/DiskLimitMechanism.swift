internal import Glibc
internal import Support
internal import Synchronization

/// Limits how much of a disk control groups get.
final class DiskLimitMechanism: Mechanism {
  let choice: MechanismChoice
  private let order: InnerOrder
  private let limit: DiskLimit
  private let device: String
  private let groups: [String]
  private let isVersion2: Bool
  private let held: HeldValues
  private let state = Mutex(State())

  private struct State {
    var tally = InnerCounters()
    var first: DiskTraffic?
    var last = DiskTraffic()
    var lastAt: Int64 = 0
  }

  init(_ order: InnerOrder, _ choice: MechanismChoice, _ limit: DiskLimit) throws {
    self.order = order
    self.choice = choice
    self.limit = limit
    let path = try Self.path(limit, order)
    if let prepared = order.scope.disks?.prepared.first(where: { $0.path == path || !limit.path.hasPrefix("/") }) {
      throw order.refusal(
        .unsupported(
          "\(prepared.path) is a prepared directory: its pass-through does all the work on the disk, which no limit of "
            + "others reaches"))
    }
    let device = try BlockDevice.holding(path)
    self.device = device
    var groups: [String]
    var isVersion2 = true
    do { groups = try order.ownGroups(controller: nil, having: "io.max") } catch let error as FaultError {
      guard case .unsupported = error.reason else { throw error }
      groups = try order.ownGroups(controller: "blkio", having: "blkio.throttle.write_bps_device")
      isVersion2 = false
    }
    self.groups = groups
    self.isVersion2 = isVersion2
    held = HeldValues(
      values: try groups.flatMap { group in
        if isVersion2 {
          return [
            try ControlGroupValue(
              "\(group)/io.max", key: device, neutral: DiskLimit.noLine, ours: { limit.line(inPlaceOf: $0) })
          ]
        }
        return try limit.files.map { file in
          try ControlGroupValue("\(group)/\(file.name)", key: device, neutral: "0", ours: { _ in "\(file.value)" })
        }
      })
    if let same = held.values.first(where: { $0.original == $0.ours }) {
      throw order.refusal(.invalid("\(same.file) shows '\(device) \(same.ours)' already, so nothing would change"))
    }
  }

  private static func path(_ limit: DiskLimit, _ order: InnerOrder) throws(FaultError) -> String {
    if limit.path.hasPrefix("/") { return limit.path }
    guard let path = order.scope.disks?.path(named: limit.path) else {
      throw order.refusal(.unsupported("nobody knows here where the data of \(limit.path) are"))
    }
    return path
  }

  var changes: [String] { held.changes }
  var undo: [UndoAction] { held.undo }
  var counters: InnerCounters { state.withLock { $0.tally } }

  func make() throws -> [String] {
    try held.set()
    try count()
    return held.values.map { "\($0.file) shows '\(device) \($0.ours)'" }
  }

  func look() throws -> String? {
    try count()
    return try held.missing()
  }

  private func count() throws {
    let traffic = try traffic()
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
      if traffic.isHeldUp(by: limit, since: state.last, for: now - state.lastAt) { state.tally.hits += 1 }
      (state.last, state.lastAt) = (traffic, now)
      state.tally.particulars["intervals at the limit"] = state.tally.hits
      state.tally.particulars["operations passed"] = traffic.reads + traffic.writes - first.reads - first.writes
      state.tally.particulars["bytes passed"] =
        traffic.readBytes + traffic.writeBytes - first.readBytes - first.writeBytes
    }
  }

  private func traffic() throws(SystemError) -> DiskTraffic {
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
