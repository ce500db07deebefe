internal import Support

/// A disk that is slow for processes of a region, in a scenario's words.
public struct DiskFault: Sendable, Hashable, Codable {
  /// Where.
  public var region: String
  /// For which processes.
  public var processes: ProcessFault.Selection
  /// Whether all that descend from them are meant too.
  public var includesDescendants: Bool
  /// Which of their system calls on files are late.
  public var calls: [Call]
  /// How much later.
  @DurationText public var delay: Duration
  /// The most that it differs from that.
  @DurationText public var jitter: Duration
  /// How many of them.
  public var probability: Percentage

  /// A slow disk from its parts.
  public init(
    region: String, processes: ProcessFault.Selection, includesDescendants: Bool, calls: [Call], delay: Duration,
    jitter: Duration, probability: Percentage
  ) {
    self.region = region
    self.processes = processes
    self.includesDescendants = includesDescendants
    self.calls = calls
    self.delay = delay
    self.jitter = jitter
    self.probability = probability
  }

  /// A system call on files.
  public enum Call: String, Sendable, Hashable, Codable, CaseIterable {
    /// Data and attributes are made durable.
    case fsync
    /// Data are made durable.
    case fdatasync
    /// Bytes come from a file, by any way of reading.
    case read
    /// Bytes go to a file, by any way of writing.
    case write
  }
}

extension DiskFault: CustomStringConvertible {
  /// `fsync and fdatasync of the store with all descendants in eu are 20ms late`.
  public var description: String {
    let whole = includesDescendants ? " with all descendants" : ""
    let spread = jitter == .zero ? "" : " ± \(jitter.text)"
    let share = probability.fraction == 1 ? "" : ", \(probability) of them"
    return "\(calls.map(\.rawValue).joined(separator: " and ")) of \(processes)\(whole) in \(region) "
      + "are \(delay.text)\(spread) late\(share)"
  }
}
