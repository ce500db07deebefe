/// What a scenario is called and for whom it is.
public struct Metadata: Sendable, Hashable, Codable {
  /// A name that may stand in file names.
  public var name: String
  /// What the drill shows, in a sentence or two.
  public var description: String
  /// The teams that answer for it.
  public var owners: [String]
  /// Words to find it by.
  public var tags: [String]
  /// Rows of the domain table (docs/domain.md) that it covers.
  public var domain: [Int]

  /// Metadata from its parts.
  public init(name: String, description: String = "", owners: [String] = [], tags: [String] = [], domain: [Int] = []) {
    self.name = name
    self.description = description
    self.owners = owners
    self.tags = tags
    self.domain = domain
  }
}
