public import Netlink

/// A device of ours with a queue, which packets are steered into. Without rules that steer, no packet ever meets it.
public struct ScaffoldRequest: Sendable, Hashable, Codable, CustomStringConvertible {
  /// What a fault needs a device for.
  public enum Role: String, Sendable, Hashable, Codable, CaseIterable {
    /// Shapes what arrives, and hands it on to where it was going.
    case inbound = "in"
    /// Shapes what leaves, and hands it on to the device it was leaving by.
    case outbound = "out"
    /// Swallows what leaves: a device that is down, so that the sender sees what a cut cable shows.
    case hole
  }

  /// What it is for.
  public var role: Role
  /// The device's name, the same for the same fault on the same node.
  public var name: ScaffoldName
  /// Its queue; `nil` for a device that stays down.
  public var discipline: Discipline?
  /// What the queue does, in words.
  public var what: String

  /// What is made, for plans and journals.
  public var description: String { "add device \(name.interface), an ifb \(what) (\(role.rawValue))" }
}

/// A packet queue with our own clock, which packets are handed to.
public struct DelayLineRequest: Sendable, Hashable, Codable, CustomStringConvertible {
  /// Which packets it takes.
  public var direction: Fault.Direction
  /// What it does with them.
  public var settings: DelayLine.Settings

  /// What is made, for plans and journals.
  public var description: String {
    if let answers = settings.answers {
      return "open the \(direction) line that changes \(answers.words), at most \(settings.capacity) packets"
    }
    let effect = Fault.Effect(delay: settings.delay, reorder: settings.reorder)
    return
      "open the \(direction) delay line: \(effect.words), at most \(settings.capacity) packets, seed \(settings.seed)"
  }
}
