internal import Support

extension Fault {
  /// How long packets are held back.
  public struct Delay: Sendable, Hashable, Codable {
    /// Added to each packet, nanoseconds, up to an hour.
    public var baseNanoseconds: Int64
    /// How far the added time varies, nanoseconds: half the width of a uniform distribution, one standard deviation of
    /// the others.
    public var jitterNanoseconds: Int64
    /// How it varies.
    public var distribution: Distribution
    /// How much one packet's variation is that of the one before it, 0…1.
    public var correlation: Double
    /// Whether a packet that drew a shorter time still waits for those before it, as in the queue of a real path. If not,
    /// jitter alone reorders.
    public var keepsOrder: Bool
    /// Packets leave in bunches; `nil` for each by itself.
    public var slots: Slots?

    /// Holds packets back by `base`, varied by `jitter`.
    public init(
      _ base: Duration, jitter: Duration = .zero, distribution: Distribution = .uniform, correlation: Double = 0,
      keepsOrder: Bool = true, slots: Slots? = nil
    ) {
      baseNanoseconds = base.nanoseconds
      jitterNanoseconds = jitter.nanoseconds
      self.distribution = distribution
      self.correlation = correlation
      self.keepsOrder = keepsOrder
      self.slots = slots
    }
  }

  /// The shape of jitter.
  public enum Distribution: Sendable, Hashable, Codable {
    /// Every time between −jitter and +jitter alike.
    case uniform
    /// Gauss.
    case normal
    /// Pareto, with netem's shape.
    case pareto
    /// A quarter normal, three quarters pareto, as netem has it.
    case paretonormal
    /// A table of the inverse distribution function in units of 1/8192 of the jitter, as netem's `.dist` files hold.
    case table([Int16])
  }

  /// Bunches as a radio link or a sleeping host makes them: nothing for a while, then all that has come.
  public struct Slots: Sendable, Hashable, Codable {
    /// The shortest time between two bunches, nanoseconds.
    public var minimumNanoseconds: Int64
    /// The longest.
    public var maximumNanoseconds: Int64
    /// The most packets in a bunch; 0 for no limit.
    public var packets: Int32
    /// The most bytes in a bunch; 0 for no limit.
    public var bytes: Int32

    /// Bunches between `minimum` and `maximum` apart.
    public init(_ minimum: Duration, _ maximum: Duration, packets: Int32 = 0, bytes: Int32 = 0) {
      minimumNanoseconds = minimum.nanoseconds
      maximumNanoseconds = maximum.nanoseconds
      self.packets = packets
      self.bytes = bytes
    }
  }
}
