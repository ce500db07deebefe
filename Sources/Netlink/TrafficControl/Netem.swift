/// The network emulator, `sch_netem`: a queue that delays, loses, doubles, damages and reorders packets.
///
/// A value is the whole of it: every attribute is written every time, because the kernel keeps those that a change does
/// not mention. Times are nanoseconds.
public struct Netem: Sendable, Hashable, Codable {
  /// The most packets it holds; more are dropped. See ``packetsHeld(packetsPerSecond:delayNanoseconds:jitterNanoseconds:)``.
  public var limitPackets: UInt32
  /// The delay of a packet, before jitter.
  public var delayNanoseconds: Int64
  /// How far delays scatter: half the width if uniform, one standard deviation if ``distribution`` is given.
  public var jitterNanoseconds: Int64
  /// How much a delay resembles the one before.
  public var delayCorrelation: Portion
  /// The shape of the scatter, `8192` for one ``jitterNanoseconds``, at most 16,384 numbers; empty for uniform.
  public var distribution: [Int16]
  /// Which packets are lost.
  public var loss: Loss
  /// Which packets come twice.
  public var duplicate: Portion
  /// How much a packet's fate in this resembles that of the one before.
  public var duplicateCorrelation: Portion
  /// Which packets overtake the queue, of those that ``reorderGap`` lets.
  public var reorder: Portion
  /// How much a packet's fate in this resembles that of the one before.
  public var reorderCorrelation: Portion
  /// Every how manieth packet may overtake: 0 for none, 1 for any.
  public var reorderGap: UInt32
  /// Which packets get one bit flipped.
  public var corrupt: Portion
  /// How much a packet's fate in this resembles that of the one before.
  public var corruptCorrelation: Portion
  /// Bytes a second that leave; 0 for no limit.
  public var bytesPerSecond: UInt64
  /// Bytes that each packet counts more than it has.
  public var packetOverheadBytes: Int32
  /// Packets come in groups, as over radio; `nil` for one by one.
  public var slots: Slots?
  /// Where its random numbers start, so that they repeat. Kernel 6.6; older ones ignore it: read it back to know.
  public var seed: UInt64?

  /// Which packets are lost.
  public enum Loss: Sendable, Hashable, Codable {
    /// Each with the same probability; the second number says how much a packet's fate resembles that of the one before.
    case random(Portion, correlation: Portion = .none)
    /// A channel with a good and a bad state.
    case gilbertElliott(toBad: Portion, toGood: Portion, lossWhenBad: Portion, lossWhenGood: Portion)
    /// A chain of four states: 1 received, 2 received within a burst, 3 lost within a burst, 4 lost alone.
    case fourState(p13: Portion, p31: Portion, p32: Portion, p14: Portion, p23: Portion)
  }

  /// Groups in which packets leave.
  public struct Slots: Sendable, Hashable, Codable {
    /// The least time between two groups.
    public var minimumNanoseconds: Int64
    /// The longest time between two groups.
    public var maximumNanoseconds: Int64
    /// The most packets of a group; 0 for any number.
    public var packets: Int32
    /// The most bytes of a group; 0 for any number.
    public var bytes: Int32

    /// Groups every `minimum` to `maximum` nanoseconds.
    public init(minimumNanoseconds: Int64, maximumNanoseconds: Int64, packets: Int32 = 0, bytes: Int32 = 0) {
      self.minimumNanoseconds = minimumNanoseconds
      self.maximumNanoseconds = maximumNanoseconds
      self.packets = packets
      self.bytes = bytes
    }
  }

  /// A queue of that many packets that does nothing else yet.
  public init(limitPackets: UInt32) {
    self.limitPackets = limitPackets
    delayNanoseconds = 0
    jitterNanoseconds = 0
    delayCorrelation = .none
    distribution = []
    loss = .random(.none)
    duplicate = .none
    duplicateCorrelation = .none
    reorder = .none
    reorderCorrelation = .none
    reorderGap = 0
    corrupt = .none
    corruptCorrelation = .none
    bytesPerSecond = 0
    packetOverheadBytes = 0
  }

  /// How many packets wait at once when so many come a second and stay that long: delay and four times the jitter, a
  /// quarter more for bursts, and never fewer than the kernel's own 1000.
  public static func packetsHeld(
    packetsPerSecond: UInt64, delayNanoseconds: Int64, jitterNanoseconds: Int64
  ) -> UInt32 {
    let longest = Double(max(0, delayNanoseconds)) + 4 * Double(max(0, jitterNanoseconds))
    let waiting = Double(packetsPerSecond) * longest / 1e9 * 1.25
    return waiting >= Double(UInt32.max) ? .max : max(1000, UInt32(waiting.rounded(.up)))
  }
}
