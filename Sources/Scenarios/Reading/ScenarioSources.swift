internal import Support

/// The files that a scenario was read from, byte for byte: with them it can be read again where they no longer lie.
public struct ScenarioSources: Sendable, Hashable {
  /// The scenario's own file, as seen from where the tool was started.
  public var file: String
  /// Its bytes.
  public var bytes: [UInt8]
  /// What it includes, and the tables that it names, by path as in ``IncludedFile/path``.
  public var others: [String: [UInt8]]

  /// Sources from their parts.
  public init(file: String, bytes: [UInt8], others: [String: [UInt8]] = [:]) {
    self.file = file
    self.bytes = bytes
    self.others = others
  }

  /// Reads the files that `plan` was made of, from where they lay then.
  ///
  /// - Parameter file: the scenario.
  /// - Throws: ``Support/Problem`` with exit code 2 when one cannot be read, or is another than the plan was made of.
  public init(of plan: Plan, at file: String) throws {
    func read(_ path: String, _ digest: String) throws -> [UInt8] {
      let bytes = try readFile(path, limit: YamlLimits().fileSize)
      guard sha256(bytes) == digest else {
        throw Problem(
          .usage, at: path, "this is not the file that the plan was made of; nothing was touched",
          fix: "plan the scenario again, or run the plan alone")
      }
      return bytes
    }
    self.init(file: file, bytes: try read(file, plan.scenarioDigest))
    for include in plan.includes { others[include.path] = try read(include.path, include.digest) }
  }

  /// What a scenario that is read from these files takes from outside.
  public func inputs(variables: [GivenVariable] = []) -> ScenarioInputs {
    ScenarioInputs(variables: variables) { [others] path throws(Problem) in
      guard let bytes = others[path] else { throw Problem(.usage, at: path, "is not among the files of the run") }
      return bytes
    }
  }
}
