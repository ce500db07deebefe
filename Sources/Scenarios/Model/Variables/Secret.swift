/// Where a secret is to be had. The secret itself is read when it is needed and stands in no plan, journal or report.
public struct Secret: Sendable, Hashable, Codable {
  /// Where it is.
  public enum Source: Sendable, Hashable, Codable {
    /// In this variable of the environment.
    case environment(String)
    /// In this file, without its last line break.
    case file(String)
  }

  /// Its name; `${secret:name}` stands for it in probes, steps and messages.
  public var name: String
  /// Where it is.
  public var source: Source

  /// A secret from its parts.
  public init(name: String, source: Source) {
    self.name = name
    self.source = source
  }
}
