/// A program, of a probe, a step or a message. No shell sees it.
public struct CommandCall: Sendable, Hashable, Codable {
  /// The program and its arguments.
  public var argv: [Template]
  /// The region in whose network it runs; `nil`: outside all regions.
  public var region: String?

  /// A program from its parts.
  public init(argv: [Template], region: String? = nil) {
    self.argv = argv
    self.region = region
  }
}
