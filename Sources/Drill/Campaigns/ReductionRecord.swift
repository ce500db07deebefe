internal import Support

/// A reduction as its file keeps it, so that one that was interrupted goes on with what it knows.
public struct ReductionRecord: Sendable, Hashable, Codable {
  /// One part of the timeline that was run.
  public struct Try: Sendable, Hashable, Codable {
    /// What was run.
    public var part: TimelinePart
    /// Whether the item failed again.
    public var failed: Bool
    /// The exit code of the run.
    public var code: Int32
    /// Its run directory; `nil`: the part made no valid scenario, so nothing was run.
    public var directory: String?

    /// A part with what came of it.
    public init(part: TimelinePart, failed: Bool, code: Int32, directory: String?) {
      self.part = part
      self.failed = failed
      self.code = code
      self.directory = directory
    }
  }

  /// The checklist item that fails.
  public var item: String
  /// The parts tried, in their order.
  public var tries: [Try]

  /// Nothing tried yet.
  public init(item: String) {
    self.item = item
    tries = []
  }

  /// The record in the file at `path` if it is about `item`, else an empty one.
  ///
  /// - Throws: the error of a file that cannot be read or is no such record.
  public init(resuming path: String, item: String) throws {
    self.init(item: item)
    guard fileExists(path) else { return }
    let earlier = try decodeJSON(ReductionRecord.self, from: readFile(path))
    if earlier.item == item { self = earlier }
  }

  /// Keeps it.
  public func save(_ path: String) throws {
    try writeFile(path, encodeJSON(self, pretty: true))
  }

  /// Whether each part that was tried failed.
  public var known: [TimelinePart: Bool] {
    Dictionary(tries.map { ($0.part, $0.failed) }, uniquingKeysWith: { $1 })
  }
}
