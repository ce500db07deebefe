/// What a node offers for inner faults, found out by looking and not by version numbers.
public struct InnerProfile: Sendable, Hashable, Codable {
  /// One thing that a mechanism rests on. Each family asks for its own in its own folder.
  public enum Ability: String, Sendable, Hashable, Codable, CaseIterable {
    /// Processes can be held by descriptors.
    case pidfd
    /// Running processes can be stopped, read and written by ptrace.
    case tracing
    /// Control groups of version 2 that can be frozen.
    case freezer2
    /// The freezer of version 1.
    case freezer1
    /// The processor controller of version 2: `cpu.max`.
    case cpuMax
    /// The processor controller of version 1: `cpu.cfs_quota_us`.
    case cpuQuota
    /// The memory controller of version 2: `memory.high`.
    case memoryHigh
    /// The functions that tell programs the time can be led through a stub.
    case clockStub
    /// The clock of the whole node can be set.
    case nodeClock
    /// Directories can be mounted over by a process of ours (FUSE).
    case passThrough
    /// The disk controller of version 2: `io.max`.
    case ioMax
    /// The disk controller of version 1: `blkio.throttle`.
    case blkioThrottle
    /// The kernel asks before a file's content is used.
    case preContentEvents
  }

  /// What was found.
  public enum Answer: Sendable, Hashable, Codable {
    /// It is there; the text says where, or what was seen.
    case there(String)
    /// It is not; the text says why, and what would help.
    case missing(String)
  }

  /// What was found of each; what was not asked about is not there.
  public var answers: [Ability: Answer]

  /// A profile from answers.
  public init(answers: [Ability: Answer]) {
    self.answers = answers
  }

  /// Asks this machine. Changes nothing.
  public init(reading: Void = ()) {
    self.init(answers: [:])
    addProcessAbilities()
    addClockAbilities()
    addNodeClockAbility()
    addDiskAbilities()
  }

  /// A node of which nothing is known but that it is a Linux with what this tool needs anyway.
  public static let unknown = InnerProfile(answers: [.pidfd: .there("assumed")])

  /// Whether it is there.
  public func has(_ ability: Ability) -> Bool {
    if case .there = answers[ability] { return true }
    return false
  }

  /// Why it is not there; `nil` if it is.
  public func whyNot(_ ability: Ability) -> String? {
    switch answers[ability] {
    case .there: nil
    case .missing(let why): why
    case nil: "this node was not asked about it"
    }
  }
}
