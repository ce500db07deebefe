/// A device of ours with a queue, which packets are steered into. Without rules that steer, no packet ever meets it.
public struct ScaffoldRequest: Sendable, Hashable, Codable, CustomStringConvertible {
  /// What a fault needs a device for.
  public enum Role: String, Sendable, Hashable, Codable, CaseIterable {
    /// Shapes what arrives, and hands it on to where it was going.
    case inbound
    /// Shapes what leaves, and hands it on to the device it was leaving by.
    case outbound
    /// Swallows what leaves: a device that is down, so that the sender sees what a cut cable shows.
    case hole
  }

  /// The queue of the device.
  public enum Queue: Sendable, Hashable, Codable {
    /// None; the device is down.
    case down
    /// The network emulator, with everything of the effect but its loss.
    case netem(Fault.Effect, limitPackets: UInt32, seed: UInt64)
    /// A token bucket.
    case tokenBucket(Fault.Rate)
  }

  /// What it is for.
  public var role: Role
  /// The device's name, the same for the same fault on the same node.
  public var device: String
  /// Its queue.
  public var queue: Queue

  /// What is made, for plans and journals.
  public var description: String {
    switch queue {
    case .down: "add device \(device), an ifb that stays down (\(role.rawValue))"
    case .netem(let effect, let limit, let seed):
      "add device \(device), an ifb with netem: \(effect.words), limit \(limit) packets, seed \(seed) (\(role.rawValue))"
    case .tokenBucket(let rate): "add device \(device), an ifb with a token bucket: \(rate.words) (\(role.rawValue))"
    }
  }
}

/// A packet queue with our own clock, which packets are handed to.
public struct DelayLineRequest: Sendable, Hashable, Codable, CustomStringConvertible {
  /// Which packets it takes.
  public var direction: Fault.Direction
  /// How long they are held.
  public var delay: Fault.Delay
  /// Which of them overtake.
  public var reorder: Fault.Reorder?
  /// Where its chance comes from.
  public var seed: UInt64

  /// What is made, for plans and journals.
  public var description: String {
    "open the \(direction) delay line: \(Fault.Effect(delay: delay, reorder: reorder).words), seed \(seed)"
  }
}
