public import Support

/// What an import decides where the other tool's file leaves it open.
public struct ImportOptions: Sendable {
  /// How long a fault lasts that has no end there.
  public var endless: Duration
  /// How often something is done that is done for ever there.
  public var repetitions: Int
  /// From which choices follow that the other tool leaves to chance; also the scenario's seed.
  public var seed: UInt64
  /// Whether what cannot be expressed is left out, and said, instead of ending the import.
  public var isPartial: Bool

  /// Options from their parts.
  public init(endless: Duration = .seconds(30), repetitions: Int = 3, seed: UInt64 = 1, isPartial: Bool = false) {
    self.endless = endless
    self.repetitions = repetitions
    self.seed = seed
    self.isPartial = isPartial
  }
}

/// A scenario that was made from another tool's file.
public struct ImportedScenario: Sendable {
  /// The document, which ``parseScenario(_:file:)`` accepts.
  public var text: String
  /// What is something else here than it was there, what was decided and what was left out, in the order of the file.
  public var remarks: [Diagnostic]
}

/// Reads a file of another tool, of at most the size of a scenario.
///
/// - Throws: a ``Support/Problem`` with exit code 2.
public func readForeignFile(at path: String) throws(Problem) -> [UInt8] {
  try readFile(path, limit: YamlLimits().fileSize)
}
