public import Scenarios
internal import Support

extension RunDirectory {
  /// Which file of ``inputs`` is which; beside the scenario's own copy.
  private struct Index: Codable {
    struct Entry: Codable {
      var path: String
      var digest: String
    }

    /// The scenario's path, as seen from where the tool was started.
    var scenario: String
    var files: [Entry]
  }

  private var index: String { "\(inputs)/index.json" }

  /// Keeps the files that the scenario was read from.
  ///
  /// - Throws: the error of the file that cannot be written.
  func keep(_ sources: ScenarioSources) throws {
    try writeFile(scenario, sources.bytes)
    guard !sources.others.isEmpty else { return }
    try makeDirectory(inputs)
    var files: [Index.Entry] = []
    for (path, bytes) in sources.others.sorted(by: { $0.key < $1.key }) {
      let digest = sha256(bytes)
      // By digest: a path may lead out of the directory, and two files may have one name.
      try writeFile("\(inputs)/\(digest)", bytes)
      files.append(Index.Entry(path: path, digest: digest))
    }
    try writeFile(index, encodeJSON(Index(scenario: sources.file, files: files), pretty: true))
  }

  /// The files that the run's scenario was read from; `nil` where the run was made from a plan alone.
  ///
  /// - Throws: ``Support/Problem`` when one of them is missing or was changed.
  public func sources() throws -> ScenarioSources? {
    guard fileExists(scenario) else { return nil }
    let bytes = try readFile(scenario)
    guard fileExists(index) else { return ScenarioSources(file: scenario, bytes: bytes) }
    let known = try decodeJSON(Index.self, from: readFile(index))
    var sources = ScenarioSources(file: known.scenario, bytes: bytes)
    for file in known.files {
      let copy = "\(inputs)/\(file.digest)"
      let bytes = try readFile(copy)
      guard sha256(bytes) == file.digest else {
        throw Problem(.usage, at: copy, "this copy of '\(file.path)' was changed after the run")
      }
      sources.others[file.path] = bytes
    }
    return sources
  }
}
