/// What a probe's answer must be. What is `nil` or empty is not asked for; a probe that asks for nothing passes with any
/// answer: an HTTP status below 400, a connection, a row, exit code 0, a sample.
public struct ProbeExpectation: Sendable, Hashable, Codable {
  /// HTTP statuses of which it must have one.
  public var status: [Int]
  /// The exit code of the program.
  public var exit: Int?
  /// The answer's whole text, without white space at its ends.
  public var text: String?
  /// A text within it.
  public var contains: String?
  /// Bounds of the answer as a number.
  public var min: Double?
  /// Bounds of the answer as a number.
  public var max: Double?

  /// An expectation from its parts.
  public init(
    status: [Int] = [], exit: Int? = nil, text: String? = nil, contains: String? = nil, min: Double? = nil,
    max: Double? = nil
  ) {
    self.status = status
    self.exit = exit
    self.text = text
    self.contains = contains
    self.min = min
    self.max = max
  }
}
