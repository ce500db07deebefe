public import Support

/// A scenario as it was read: the value, what stood where, and what the reader remarked.
public struct LoadedScenario: Sendable {
  /// The scenario.
  public var scenario: Scenario
  /// Warnings and notes, in the order of the file; no errors.
  public var remarks: [Diagnostic]
  /// Where each key stands.
  public var places: SourceMap
  /// The files as they were, for the run directory.
  public var sources: ScenarioSources
  /// SHA-256 of the file.
  public var digest: String
  /// The files that it includes, and the tables that it names, in the order in which they were read.
  public var includes: [IncludedFile] = []
}

/// Reads and checks the scenario in the file at `path`, and the files that it includes; touches nothing else.
///
/// - Parameters:
///   - path: the file.
///   - variables: values given to its variables; of two for one the later one counts.
///   - environment: where `BLACKSTART_VAR_name` may stand.
/// - Throws: ``Support/Problem`` when the file cannot be read, ``Support/Problems`` with every mistake in it otherwise;
///   all with exit code 2.
public func loadScenario(
  at path: String, variables: [GivenVariable] = [], environment: [String: String] = [:]
) throws -> LoadedScenario {
  let limit = YamlLimits().fileSize
  let bytes = try readFile(path, limit: limit)
  let inputs = ScenarioInputs(variables: variables, environment: environment) { path throws(Problem) in
    try readFile(path, limit: limit)
  }
  return try parseScenario(bytes, file: path, inputs: inputs)
}

/// Reads and checks a scenario from the bytes of its file.
///
/// Mistakes of form (keys, types, units) are all found in one pass; the checks of meaning need a whole model and come
/// after it, again all in one pass.
///
/// - Parameters:
///   - bytes: the text, in UTF-8.
///   - file: how messages call it.
///   - inputs: what it takes from outside.
/// - Throws: every mistake, in the order of the file.
public func parseScenario(
  _ bytes: [UInt8], file: String, inputs: ScenarioInputs = ScenarioInputs()
) throws(Problems) -> LoadedScenario {
  let limit = YamlLimits().fileSize
  guard bytes.count <= limit.bytes else {
    let size = ByteSize(bytes: Int64(bytes.count)).brief
    throw Problems([Problem(.usage, at: file, "is \(size) large; a scenario has at most \(limit.brief)")])
  }
  let reading = Reading(file: file, inputs: inputs)
  let assembly = Assembly(reading, inputs)
  let document = Value(try assembly.document(bytes, file: file), path: "", in: reading)
  let variables = Variables(of: document, inputs)
  let root = Value(variables.fill(document), path: "", in: reading)
  let scenario = Scenario.read(root, variables: variables.all)
  var remarks = reading.diagnostics
  if let scenario, !remarks.contains(where: { $0.severity == .error }) {
    remarks += check(scenario, at: reading.places)
  }
  remarks = remarks.inFileOrder(reading.files)
  let errors = remarks.filter { $0.severity == .error }
  guard let scenario, errors.isEmpty else { throw Problems(errors.map(\.problem)) }
  return LoadedScenario(
    scenario: scenario, remarks: remarks, places: reading.places,
    sources: ScenarioSources(file: file, bytes: bytes, others: reading.bytes), digest: sha256(bytes),
    includes: assembly.included + reading.others)
}
