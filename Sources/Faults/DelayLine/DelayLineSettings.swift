extension DelayLine {
  /// What a line does with packets.
  public struct Settings: Sendable, Hashable, Codable {
    /// How long they are held; `nil` lets all but the lost ones pass at once.
    public var delay: Fault.Delay?
    /// Which of them overtake.
    public var reorder: Fault.Reorder?
    /// Which of them are lost, by number.
    public var losses: Losses?
    /// Which answers are changed; nothing else happens to packets then.
    public var answers: Fault.Answers?
    /// Where all chance comes from: the same seed does the same to the same sequence of packets.
    public var seed: UInt64
    /// How many packets a second are expected at most; the line's own limit is near 300,000.
    public var packetsPerSecond: UInt32

    /// Describes a line.
    public init(
      delay: Fault.Delay? = nil, reorder: Fault.Reorder? = nil, losses: Losses? = nil, seed: UInt64 = 0,
      packetsPerSecond: UInt32 = 300_000
    ) {
      self.delay = delay
      self.reorder = reorder
      self.losses = losses
      self.seed = seed
      self.packetsPerSecond = packetsPerSecond
    }

    /// Describes a line that changes answers: no node gets more of them than 10,000 a second.
    public init(answers: Fault.Answers) {
      self.init(packetsPerSecond: 10_000)
      self.answers = answers
    }

    /// How many packets the line holds at most, to be stated in the plan; what comes beyond is dropped and counted.
    ///
    /// What arrives within the longest time a packet can be held, and half as much again; at least 1,024 and at most
    /// 1,048,576 (some 1.5 GiB of small packets in the kernel).
    public var capacity: UInt32 {
      let held = Double(longestNanoseconds) / 1e9 * Double(packetsPerSecond)
      return UInt32(min(1_048_576, max(1024, held * 1.5)))
    }

    /// The longest time a packet can be held, nanoseconds.
    public var longestNanoseconds: Int64 {
      guard let delay else { return answers?.longestNanoseconds ?? 0 }
      // A table's entries reach 32,767/8,192 of the jitter.
      let swing: Int64
      switch delay.distribution {
      case .uniform: swing = delay.jitterNanoseconds
      case .normal, .pareto, .paretonormal, .table: swing = delay.jitterNanoseconds * 4
      }
      return delay.baseNanoseconds + swing + (delay.slots?.maximumNanoseconds ?? 0)
    }

    /// Which packets of each `period` are lost, counted from 0 in the order of arrival.
    public struct Losses: Sendable, Hashable, Codable {
      /// After so many packets it begins anew; at least 1.
      public var period: UInt32
      /// The lost ones, each below `period`.
      public var numbers: [UInt32]

      /// Loses these of each `period` packets.
      public init(period: UInt32, numbers: [UInt32]) {
        self.period = period
        self.numbers = numbers
      }

      /// Loses the last of each `count` packets.
      public static func everyNth(_ count: UInt32) -> Losses {
        Losses(period: count, numbers: [count - 1])
      }
    }
  }
}
