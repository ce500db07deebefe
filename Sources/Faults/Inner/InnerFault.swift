/// One disturbance inside a node: of its processes, of the clock that they see, of the disks that they write to.
///
/// The counterpart of ``Fault`` for what is not packets. It is held by the same rules: verified in force, verified gone,
/// leased, promised to the undo journal and the guardian before the change.
public struct InnerFault: Sendable, Hashable, Codable {
  /// Its name, unique in the run among faults of all kinds: letters, digits, `-`, `_` and `.`, at most 64 bytes.
  public var id: String
  /// The run it belongs to, same letters.
  public var run: String
  /// The node it is in.
  public var node: String
  /// What happens.
  public var effect: Effect
  /// To which processes. `nil` for an effect that says itself what it is about, such as a path or a device.
  public var processes: ProcessSelector?
  /// How long it lives. It cannot flap.
  public var timing: Fault.Timing
  /// Where all of its chance comes from.
  public var seed: UInt64

  /// Describes a fault.
  public init(
    id: String, run: String, node: String, effect: Effect, processes: ProcessSelector? = nil, timing: Fault.Timing,
    seed: UInt64 = 0
  ) {
    self.id = id
    self.run = run
    self.node = node
    self.effect = effect
    self.processes = processes
    self.timing = timing
    self.seed = seed
  }

  /// What can happen: one member for each family, whose values live in the family's own folder.
  public enum Effect: Sendable, Hashable, Codable {
    /// Something happens to processes themselves.
    case processes(ProcessDisturbance)
    /// Processes see a clock that is wrong.
    case clock(ClockSkew)
    /// The clock of the whole node is set, or runs at another rate.
    case nodeClock(NodeClockChange)
    /// Something happens to the disks that programs write to.
    case disk(DiskDisturbance)
  }
}

extension InnerFault {
  /// Checks what can be checked without looking at a node.
  ///
  /// - Throws: ``FaultError`` (invalid), saying what would be right.
  public func validate() throws(FaultError) {
    func refuse(_ why: String) -> FaultError { FaultError(.invalid(why), fault: id, node: node) }
    guard Fault.isName(id), Fault.isName(run) else {
      throw refuse("its id and its run must be 1 to 64 letters, digits, '-', '_' or '.'")
    }
    guard timing.leaseMilliseconds > 0, timing.heartbeatMilliseconds > 0,
      timing.silenceMilliseconds > timing.heartbeatMilliseconds
    else { throw refuse("lease, heartbeat and silence must be positive, and the silence longer than a heartbeat") }
    guard timing.flapping == nil else { throw refuse("a fault inside a node cannot flap") }
    switch effect {
    case .processes(let disturbance):
      if let why = disturbance.mistake { throw refuse(why) }
      guard processes != nil else { throw refuse("it says nothing about which processes are meant") }
    case .clock(let skew):
      if let why = skew.mistake { throw refuse(why) }
      guard processes != nil else { throw refuse("it says nothing about which processes are meant") }
    case .nodeClock(let change):
      if let why = change.mistake { throw refuse(why) }
      guard processes == nil else { throw refuse("it is about the whole node, and not about some processes") }
    case .disk(let disturbance):
      if let why = disturbance.mistake { throw refuse(why) }
      if disturbance.needsProcesses, processes == nil {
        throw refuse("it says nothing about which processes are meant")
      }
    }
  }

  /// What it does, for people: `pauses the processes that play store`.
  public var text: String {
    switch effect {
    case .processes(let disturbance): "\(disturbance) \(processes.map { "\($0)" } ?? "nothing")"
    case .clock(let skew): "skews the clock (\(skew)) of \(processes.map { "\($0)" } ?? "nothing")"
    case .nodeClock(let change): "sets the clock of the whole node: \(change)"
    case .disk(let disturbance): "\(disturbance)" + (processes.map { " \($0)" } ?? "")
    }
  }
}
