public import Support

/// What a scenario takes from outside its own file. Passed in, never reached for.
public struct ScenarioInputs: Sendable {
  /// Values of variables, from the command line and from files. Of two for one variable the later one counts.
  public var variables: [GivenVariable]
  /// The environment; `BLACKSTART_VAR_name` is the value of the variable `name` (`_` for `-`) unless ``variables`` has one.
  public var environment: [String: String]
  /// Reads the bytes of an included file; `nil`: nothing can be included.
  public var include: (@Sendable (_ path: String) throws(Problem) -> [UInt8])?

  /// Inputs from their parts.
  public init(
    variables: [GivenVariable] = [], environment: [String: String] = [:],
    include: (@Sendable (_ path: String) throws(Problem) -> [UInt8])? = nil
  ) {
    self.variables = variables
    self.environment = environment
    self.include = include
  }
}

/// A value for a variable, and where it was given.
public struct GivenVariable: Sendable, Hashable {
  /// The variable's name.
  public var name: String
  /// The value as written.
  public var value: String
  /// Where it was given: `--var`, or a place in a file.
  public var origin: String

  /// A value from its parts.
  public init(name: String, value: String, origin: String) {
    self.name = name
    self.value = value
    self.origin = origin
  }

  /// Reads `name=value` as the command line has it.
  ///
  /// - Throws: ``Support/Problem`` with exit code 2 when there is no `=`.
  public init(option: String) throws(Problem) {
    guard let cut = option.firstIndex(of: "="), cut > option.startIndex else {
      throw Problem(.usage, "--var \(quoted(option)) gives no variable a value", fix: "write --var name=value")
    }
    self.init(name: String(option[..<cut]), value: String(option[option.index(after: cut)...]), origin: "--var")
  }
}

/// Reads a file of variables: one YAML mapping from names to values.
///
/// - Throws: ``Support/Problem`` when it cannot be read, ``Support/Problems`` with every mistake in it; exit code 2.
public func readVariables(at path: String) throws -> [GivenVariable] {
  let bytes = try readFile(path, limit: YamlLimits().fileSize)
  let reading = Reading(file: path)
  let root = try parseYaml(bytes, file: path)
  guard case .mapping(let members) = root.content else {
    throw Problems([
      Problem(
        .usage, at: reading.location(root.mark).description,
        "expected a mapping from names to values, found \(root.summary)")
    ])
  }
  let given = members.map { member -> GivenVariable? in
    let value = Value(member.value, path: member.key, in: reading, at: member.keyMark)
    let origin = reading.location(member.keyMark).description
    return value.text(expected: "a value").map { GivenVariable(name: member.key, value: $0, origin: origin) }
  }
  guard reading.diagnostics.isEmpty else { throw Problems(reading.diagnostics.map(\.problem)) }
  return given.compactMap(\.self)
}
