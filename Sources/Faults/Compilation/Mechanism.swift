/// How one part of a fault is made on a node, why so, and how exact it is.
public struct MechanismChoice: Sendable, Hashable, Codable, CustomStringConvertible {
  /// The direction; `nil` for what has none.
  public var direction: Fault.Direction?
  /// The part of the effect: `cut`, `loss`, `delay`, `rate`, `answers`, `connections`, `pause`, `processor`.
  public var part: String
  /// How it is made.
  public var mechanism: Mechanism
  /// Why so, and what it means for those who watch.
  public var why: String
  /// What to expect of its accuracy, and its limits.
  public var accuracy: String

  /// Ways to make something happen, to packets or inside a node.
  public enum Mechanism: String, Sendable, Hashable, Codable {
    /// nf_tables throws packets away where they arrive.
    case dropAtArrival
    /// nf_tables answers with a refusal.
    case reject
    /// nf_tables hands packets that leave to a device that is down.
    case swallowAtDeparture
    /// An intermediate device with netem, which an owner table steers packets into.
    case netem
    /// An intermediate device with a token bucket, which an owner table steers packets into.
    case tokenBucket
    /// The packet queue with our own clock.
    case delayLine
    /// The packet queue, with packets copied here and given back changed.
    case answerChange
    /// Socket diagnosis.
    case socketDestroy
    /// Signals through process descriptors.
    case signal
    /// Every thread stopped by ptrace, which ends with its tracer.
    case traceStop
    /// SIGSTOP, under guardian.
    case stopSignal
    /// The freezer of a control group, under guardian.
    case freezer
    /// The processor limit of a control group, under guardian.
    case processorLimit
    /// A process's vDSO led to a stub, which ends by itself.
    case clockStub
    /// The kernel's own clock set, or its rate changed, under guardian.
    case clockAdjustment
    /// The memory limit above which a control group is slowed down, under guardian.
    case memoryHigh
    /// A process of ours that answers for a file system (FUSE).
    case passThrough
    /// Stops of ptrace at system calls, on a thread that ends with us.
    case traceCalls
    /// The kernel's own stop of a file system.
    case freeze
    /// A file that takes room.
    case filler
    /// Answers to the kernel, which asks before files are used (fanotify), by a process with which it ends.
    case preContent
    /// The disk limits of a control group, under guardian.
    case diskLimit
  }

  /// `inbound loss: dropAtArrival, because …; …`
  public var description: String {
    "\(direction.map { "\($0) " } ?? "")\(part): \(mechanism), because \(why); \(accuracy)"
  }
}
