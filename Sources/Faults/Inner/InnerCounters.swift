/// What an inner fault did until now.
public struct InnerCounters: Sendable, Hashable, Codable {
  /// How many processes, files or devices are meant now.
  public var meant: Int
  /// How many of them it reached.
  public var reached: Int
  /// How often it did something to the system under drill: processes ended or stopped, calls delayed, periods throttled.
  /// A fault whose count is 0 never bit.
  public var hits: UInt64
  /// Particulars by name, such as `syscalls delayed`.
  public var particulars: [String: UInt64]

  /// Nothing yet.
  public init(meant: Int = 0, reached: Int = 0, hits: UInt64 = 0, particulars: [String: UInt64] = [:]) {
    self.meant = meant
    self.reached = reached
    self.hits = hits
    self.particulars = particulars
  }

  /// Which share of what is meant it reached, 0…1.
  public var coverage: Double { meant == 0 ? 0 : Double(reached) / Double(meant) }
}

extension InnerCounters: CustomStringConvertible {
  /// `3 of 4 reached, 17 hits, calls delayed 17`.
  public var description: String {
    (["\(reached) of \(meant) reached", "\(hits) hits"]
      + particulars.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }).joined(separator: ", ")
  }
}
