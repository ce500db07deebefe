internal import Support
public import Netlink

extension Fault {
  /// What happens to the answers of a service that a node depends on, where they arrive.
  ///
  /// Datagrams only: what comes over TCP, TLS or HTTPS is not changed.
  public enum Answers: Sendable, Hashable, Codable {
    /// Answers of name servers (DNS) about chosen names. The first rule that a name fits decides; other names are let alone.
    case names([NameRule])
    /// Answers of time servers (NTP).
    case time(TimeShift)
  }

  /// What happens to answers about some names.
  public struct NameRule: Sendable, Hashable, Codable {
    /// A name (`db.example`), all below one (`*.example`, which does not mean `example` itself), or all (`*`). Case does
    /// not matter.
    public var name: String
    /// What is answered.
    public var change: Change
    /// How long the answer is held back, nanoseconds, up to a minute.
    public var delayNanoseconds: Int64

    /// Changes and holds back answers about a name.
    public init(_ name: String, _ change: Change = .unchanged, delay: Duration = .zero) {
      self.name = name
      self.change = change
      delayNanoseconds = delay.nanoseconds
    }

    /// What is answered instead.
    public enum Change: Sendable, Hashable, Codable {
      /// What the server said.
      case unchanged
      /// Nothing: who asks waits until he gives up.
      case silence
      /// That there is no such name: NXDOMAIN.
      case noSuchName
      /// That the server cannot answer: SERVFAIL.
      case serverFailure
      /// That the server will not answer: REFUSED.
      case refusal
      /// These addresses, each to questions for its family, valid so many seconds; other questions are let alone. A family
      /// of which none is given has no addresses then.
      case addresses([IPAddress], timeToLiveSeconds: UInt32)
    }
  }

  /// How far time servers seem to be off.
  public struct TimeShift: Sendable, Hashable, Codable {
    /// Added to their time, nanoseconds.
    public var offsetNanoseconds: Int64
    /// How much faster than time the offset grows while the fault is held, in parts per billion.
    public var driftPartsPerBillion: Int64

    /// Shifts the servers' time.
    public init(_ offset: Duration, driftPartsPerBillion: Int64 = 0) {
      offsetNanoseconds = offset.nanoseconds
      self.driftPartsPerBillion = driftPartsPerBillion
    }

    /// What is added `elapsed` nanoseconds after the beginning.
    func offset(after elapsed: Int64) -> Int64 {
      let (high, low) = elapsed.multipliedFullWidth(by: driftPartsPerBillion)
      // A drift of at most 10⁸ ppb over at most a week fits.
      return offsetNanoseconds &+ Int64(1_000_000_000).dividingFullWidth((high, low)).quotient
    }
  }
}

extension Fault.Answers {
  /// The port that answers of such a service come from, unless the targets name others.
  var usualPort: UInt16 {
    switch self {
    case .names: 53
    case .time: 123
    }
  }

  /// The longest time an answer is held back, nanoseconds.
  var longestNanoseconds: Int64 {
    switch self {
    case .names(let rules): rules.map(\.delayNanoseconds).max() ?? 0
    case .time: 0
    }
  }

  /// Whether one answer may be meant by both.
  func overlaps(_ other: Fault.Answers) -> Bool {
    switch (self, other) {
    case (.time, .time): true
    case (.names(let mine), .names(let others)):
      mine.contains { one in others.contains { NamePattern(one.name).overlaps(NamePattern($0.name)) } }
    default: false
    }
  }
}

extension Fault {
  /// The targets as rules see them: answers are known by the port that they come from.
  var ruleTargets: Targets {
    guard let answers = inbound?.answers else { return targets }
    var targets = targets
    targets.protocols = [.udp]
    if targets.remotePorts.isEmpty { targets.remotePorts = [PortRange(answers.usualPort)] }
    return targets
  }
}
