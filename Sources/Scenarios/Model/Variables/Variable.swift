/// A value that may differ from run to run: declared in the scenario, set from outside.
public struct Variable: Sendable, Hashable, Codable {
  /// What a variable can hold.
  public enum Kind: String, Sendable, Hashable, Codable, CaseIterable {
    /// Such as `10s`.
    case duration
    /// Such as `40/s`.
    case rate
    /// Such as `5%`.
    case percentage
    /// Such as `64KiB`.
    case size
    /// A whole number.
    case int
    /// Any text.
    case text
    /// A region of the topology.
    case region
    /// `true` or `false`.
    case bool
  }

  /// Its name; `${name}` stands for its value.
  public var name: String
  /// What it holds.
  public var kind: Kind
  /// The value used, as written.
  public var value: String
  /// Whether the value came from outside, and not from the declaration's default.
  public var isGiven: Bool

  /// A variable from its parts.
  public init(name: String, kind: Kind, value: String, isGiven: Bool = false) {
    self.name = name
    self.kind = kind
    self.value = value
    self.isGiven = isGiven
  }
}
