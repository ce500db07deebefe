public import Support

/// What stands where: the file that says which regions the selectors and hosts of another tool's file mean.
public struct ImportMap: Sendable {
  /// The version of the language, as in a scenario.
  static let kind = "ImportMap"

  /// What a selector or host stands for.
  struct Place: Sendable, Hashable {
    /// The regions, in the order of the file; at least one.
    var regions: [String]
    /// The TCP ports that it serves; empty: network faults touch all of its packets.
    var ports: [TrafficScope.Ports] = []
    /// The key of a timeline entry that says which processes are meant; `nil`: none were named.
    var processes: YamlTree.Member?
    /// How many processors they may use; `nil`: not said.
    var processors: Int64?
    /// How much memory they may use; `nil`: not said.
    var memory: ByteSize?
  }

  /// A selector with what it stands for.
  struct SelectorRule: Sendable {
    var terms: SelectorTerms
    var place: Place
    var mark: Mark
  }

  /// A host, address or network with what it stands for.
  struct HostRule: Sendable {
    var host: String
    var place: Place
    var mark: Mark
  }

  var file: String?
  var selectors: [SelectorRule] = []
  var hosts: [HostRule] = []
  var activities: [ActivityRule] = []
  /// Sections of the scenario that are taken as they stand.
  var sections: [(key: String, value: Node)] = []

  /// Those that stand behind the timeline.
  static let sectionsAfterTimeline: Set = [
    "runbook", "failback", "communications", "recovery", "checklist", "abort", "safety",
  ]

  /// A map that knows nothing: whatever names a pod or a host is refused.
  public init() {}

  /// The sections that a map may give.
  ///
  /// In the order in which they are written; the timeline comes before ``sectionsAfterTimeline``.
  static let sectionKeys = [
    "variables", "secrets", "seed", "topology", "ownership", "stack", "workload", "probes", "steadyState", "runbook",
    "failback", "communications", "recovery", "checklist", "abort", "safety",
  ]
}

/// Reads a mapping file.
///
/// - Throws: every mistake in it, with exit code 2.
public func loadImportMap(at path: String) throws -> ImportMap {
  try parseImportMap(try readFile(path, limit: YamlLimits().fileSize), file: path)
}

/// Reads a mapping file from its bytes; `file` is how messages call it.
public func parseImportMap(_ bytes: [UInt8], file: String) throws(Problems) -> ImportMap {
  let reading = Reading(file: file)
  let map = ImportMap.read(Value(try parseYaml(bytes, file: file), path: "", in: reading))
  let errors = reading.diagnostics.inFileOrder([file]).filter { $0.severity == .error }
  guard var map, errors.isEmpty else { throw Problems(errors.map(\.problem)) }
  map.file = file
  return map
}

extension ImportMap {
  static func read(_ value: Value) -> ImportMap? {
    value.fields { fields in
      let version = fields.required("apiVersion") { constant($0, Scenario.apiVersion) }
      let kind = fields.required("kind") { constant($0, Self.kind) }
      let selectors = fields.optional("selectors", or: []) { $0.list(SelectorRule.read) }
      let hosts = fields.optional("hosts", or: []) { $0.list(HostRule.read) }
      let activities = fields.optional("activities", or: []) { $0.list(ActivityRule.read) }
      var map = ImportMap()
      if let scenario = fields.present("scenario") {
        let sections: Void? = scenario.fields { sections in
          for key in sectionKeys {
            if let section = sections.present(key) { map.sections.append((key, section.node)) }
          }
        }
        guard sections != nil else { return nil }
      }
      guard version != nil, kind != nil, let selectors, let hosts, let activities else { return nil }
      map.selectors = selectors
      map.hosts = hosts
      map.activities = activities
      return map
    }
  }

  private static func constant(_ value: Value, _ expected: String) -> String? {
    guard let text = value.words(expected: quoted(expected)) else { return nil }
    guard text == expected else {
      value.mistake("expected \(quoted(expected)), found \(quoted(text))")
      return nil
    }
    return text
  }
}

extension ImportMap.SelectorRule {
  static func read(_ value: Value) -> ImportMap.SelectorRule? {
    value.fields { fields in
      let terms = fields.required("match", SelectorTerms.read)
      let place = ImportMap.Place.read(fields)
      guard let terms, let place else { return nil }
      return ImportMap.SelectorRule(terms: terms, place: place, mark: value.node.mark)
    }
  }
}

extension ImportMap.HostRule {
  static func read(_ value: Value) -> ImportMap.HostRule? {
    value.fields { fields in
      let host = fields.required("host") { $0.words(expected: "a host name, an address or a network") }
      let place = ImportMap.Place.read(fields)
      guard let host, let place else { return nil }
      return ImportMap.HostRule(host: host, place: place, mark: value.node.mark)
    }
  }
}

extension ImportMap.Place {
  static func read(_ fields: Fields) -> ImportMap.Place? {
    let regions = fields.required("regions") { value -> [String]? in
      guard let names = value.list({ $0.name(longest: 12) }) else { return nil }
      guard !names.isEmpty, Set(names).count == names.count else {
        value.mistake("expected one or more regions, each once")
        return nil
      }
      return names
    }
    let ports = fields.optional("ports", or: []) { $0.list(TrafficScope.Ports.read) }
    let processes = fields.present("processes").map { readProcesses($0).map { Optional($0) } } ?? .some(nil)
    let processors = fields.present("processors").map { $0.integer(in: 1...8192).map { Optional($0) } } ?? .some(nil)
    let memory =
      fields.present("memory").map { (value: Value) -> ByteSize?? in
        let size: ByteSize? = value.unit()
        return size.map { .some($0) }
      } ?? .some(nil)
    guard let regions, let ports, let processes, let processors, let memory else { return nil }
    return ImportMap.Place(
      regions: regions, ports: ports, processes: processes, processors: processors, memory: memory)
  }

  /// One key with its value, such as `role: store`.
  private static func readProcesses(_ value: Value) -> YamlTree.Member? {
    guard case .mapping(let members) = value.node.content, members.count == 1,
      case .scalar(let text, _) = members[0].value.content, !members[0].value.isNull
    else {
      value.mistake("expected one key that says which processes, such as { role: store } or { name: postgres }")
      return nil
    }
    return YamlTree.Member(members[0].key, .word(text))
  }
}
