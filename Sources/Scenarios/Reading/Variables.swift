internal import Support

/// The variables of a scenario with their values, and the way they come into its text.
struct Variables {
  private(set) var all: [Variable] = []
  /// Declared, but without a value that could be used; said already.
  private var broken: Set<String> = []

  /// Reads the section `variables` of `root`, and gives each its value.
  init(of root: Value, _ inputs: ScenarioInputs) {
    guard case .mapping(let members) = root.node.content else { return }
    if let section = members.first(where: { $0.key == "variables" }) {
      let value = Value(section.value, path: "variables", in: root.reading, at: section.keyMark)
      let declared = value.dictionary(longest: 32) { name, value in
        Declaration.read(value).map { ($0, name, value) }
      }
      for (declaration, name, value) in declared ?? [] { settle(declaration, name, value, inputs) }
      if declared == nil, case .mapping(let names) = section.value.content { broken.formUnion(names.map(\.key)) }
    }
    refuseUndeclared(inputs.variables, at: root)
  }

  /// The node with every `${name}` replaced, except in what declares variables and secrets.
  func fill(_ root: Value) -> Node {
    guard case .mapping(var members) = root.node.content else { return root.node }
    let untouched = ["include", "variables", "secrets"]
    var writer = VariableWriter(variables: self, reading: root.reading)
    for index in members.indices where !untouched.contains(members[index].key) {
      members[index].value = writer.filled(members[index].value, path: members[index].key)
    }
    return Node(content: .mapping(members), mark: root.node.mark)
  }

  /// The value of a variable; `nil` when there is none of this name.
  func value(_ name: String) -> String? { all.first { $0.name == name }?.value }

  /// Whether the variable is declared but has no value, for a reason that was said.
  func isBroken(_ name: String) -> Bool { broken.contains(name) }

  private mutating func settle(_ declaration: Declaration, _ name: String, _ value: Value, _ inputs: ScenarioInputs) {
    let key = "BLACKSTART_VAR_" + name.map { $0 == "-" ? "_" : String($0) }.joined()
    let given =
      inputs.variables.last { $0.name == name }
      ?? inputs.environment[key].map { GivenVariable(name: name, value: $0, origin: key) }
    guard let text = given?.value ?? declaration.fallback else {
      broken.insert(name)
      value.mistake(
        "the variable '\(name)' has no value", fix: "give it one, --var \(name)=…, or a default in the scenario")
      return
    }
    if let wrong = declaration.kind.mistake(in: text) {
      broken.insert(name)
      let origin = given.map { "\($0.origin) gives the variable '\(name)' a wrong value" } ?? "the default is wrong"
      value.mistake("\(origin): \(wrong.what)", fix: wrong.fix)
      return
    }
    all.append(Variable(name: name, kind: declaration.kind, value: text, isGiven: given != nil))
  }

  private func refuseUndeclared(_ given: [GivenVariable], at root: Value) {
    let names = all.map(\.name) + broken.sorted()
    for variable in given where !names.contains(variable.name) {
      let near = closest(to: variable.name, among: names).map { "did you mean '\($0)'? " } ?? ""
      root.mistake(
        "\(variable.origin) gives a value to the variable \(quoted(variable.name)), which the scenario does not declare",
        fix: near + (names.isEmpty ? "it declares none" : "declared: \(names.joined(separator: ", "))"))
    }
  }
}

extension Variables {
  /// What a scenario says of a variable.
  private struct Declaration {
    var kind: Variable.Kind
    var fallback: String?

    static func read(_ value: Value) -> Declaration? {
      value.fields { fields in
        let kind = fields.required("type") { $0.choice(Variable.Kind.self, called: "a type") }
        let fallback = fields.value("default")
        let text = fallback.flatMap { $0.text(expected: "a value", isTemplate: true) }
        guard let kind, fallback == nil || text != nil else { return nil }
        return Declaration(kind: kind, fallback: text)
      }
    }
  }
}

extension Variable.Kind {
  /// Why `text` is no value of this type; `nil` when it is one.
  fileprivate func mistake(in text: String) -> UnitError? {
    func mistake<T: Unit>(_ type: T.Type) -> UnitError? {
      do {
        _ = try T(written: text)
        return nil
      } catch {
        return error
      }
    }
    guard text.utf8.count <= VariableWriter.longestValue else {
      return UnitError(what: "it has more than \(VariableWriter.longestValue) bytes", fix: nil)
    }
    switch self {
    case .duration: return mistake(Duration.self)
    case .rate: return mistake(Rate.self)
    case .percentage: return mistake(Percentage.self)
    case .size: return mistake(ByteSize.self)
    case .int:
      let isNumber = Int64(text) != nil && !text.hasPrefix("+")
      return isNumber ? nil : UnitError(what: "expected a whole number, found \(quoted(text))", fix: nil)
    case .bool:
      return ["true", "false"].contains(text)
        ? nil : UnitError(what: "expected 'true' or 'false', found \(quoted(text))", fix: nil)
    case .text, .region: return nil
    }
  }
}

/// Puts variables into the scalars of a tree, within limits.
private struct VariableWriter {
  static let longestValue = 4096

  let variables: Variables
  let reading: Reading
  private var written = 0

  init(variables: Variables, reading: Reading) {
    self.variables = variables
    self.reading = reading
  }

  mutating func filled(_ node: Node, path: String) -> Node {
    switch node.content {
    case .scalar(let text, let plain):
      guard text.utf8.contains(UInt8(ascii: "$")), text.contains("${") else { return node }
      guard let filled = filled(text, at: node.mark, path: path) else {
        reading.leave(unfilled: node.mark)
        return node
      }
      return Node(content: .scalar(filled, plain: plain), mark: node.mark)
    case .sequence(let nodes):
      var result = nodes
      for index in nodes.indices { result[index] = filled(nodes[index], path: "\(path)[\(index)]") }
      return Node(content: .sequence(result), mark: node.mark)
    case .mapping(let members):
      var result = members
      for index in members.indices {
        result[index].value = filled(members[index].value, path: "\(path).\(members[index].key)")
      }
      return Node(content: .mapping(result), mark: node.mark)
    }
  }

  /// `text` with its variables; `nil` after a mistake that was noted.
  private mutating func filled(_ text: String, at mark: Mark, path: String) -> String? {
    var result = ""
    var rest = text[...]
    var next = rest.firstRange(of: "${")
    while let open = next {
      result += rest[..<open.lowerBound]
      if result.last == "$" {  // $${ stands for ${
        result += "{"
        rest = rest[open.upperBound...]
      } else {
        guard let close = rest[open.upperBound...].firstIndex(of: "}") else {
          reading.found(
            at: mark, path: path, "a variable begins with '${' but does not end with '}'",
            fix: "write $${ where the two characters are meant")
          return nil
        }
        let name = String(rest[open.upperBound..<close])
        guard let value = value(of: name, at: mark, path: path) else { return nil }
        result += value
        rest = rest[rest.index(after: close)...]
      }
      next = rest.firstRange(of: "${")
    }
    result += rest
    written += result.utf8.count
    guard written <= YamlLimits().fileSize.bytes else {
      reading.found(at: mark, path: path, "with its variables written out the scenario is too large")
      return nil
    }
    return result
  }

  private func value(of name: String, at mark: Mark, path: String) -> String? {
    if name.hasPrefix("secret:") || name.hasPrefix("fact:") { return "${\(name)}" }
    if let value = variables.value(name) { return value }
    if !variables.isBroken(name) {
      let names = variables.all.map(\.name)
      let near = closest(to: name, among: names).map { "did you mean '\($0)'? " } ?? ""
      reading.found(
        at: mark, path: path, "there is no variable \(quoted(name))",
        fix: near + (names.isEmpty ? "declare it in variables" : "declared: \(names.joined(separator: ", "))"))
    }
    return nil
  }
}
