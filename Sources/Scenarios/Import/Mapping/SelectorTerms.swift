/// What a selector of Chaos Mesh asks of a pod or machine, term by term, each in one canonical text: `app=broker`,
/// `namespace prod`, `pod prod/broker-0`.
struct SelectorTerms: Hashable {
  /// The terms; a pod must meet all of them, but of those of one list only one.
  var terms: Set<String>

  /// The terms in alphabetical order: `app=broker, namespace prod`; `everything` when there are none.
  var text: String { terms.isEmpty ? "everything" : terms.sorted().joined(separator: ", ") }

  /// How a mapping file writes it.
  var match: String { text }
}

extension SelectorTerms {
  /// Reads `namespaces`, `labelSelectors` and the others; a mapping file writes them the same way.
  static func read(_ value: Value) -> SelectorTerms? {
    value.fields { fields in
      var terms: Set<String> = []
      var isSound = true
      func add(_ found: [String]?) {
        if let found { terms.formUnion(found) } else { isSound = false }
      }
      func list(_ key: String, _ word: String) {
        guard let value = fields.present(key) else { return }
        add(value.list { $0.words() }?.map { word + $0 })
      }
      func pairs(_ key: String, _ word: String) {
        guard let value = fields.present(key) else { return }
        add(value.texts()?.map { "\(word)\($0.key)=\($0.text)" })
      }
      func grouped(_ key: String, _ word: String) {
        guard let value = fields.present(key) else { return }
        guard case .mapping(let members) = value.node.content else {
          value.mistake("expected a mapping from namespaces to lists of names, found \(value.node.summary)")
          isSound = false
          return
        }
        for member in members {
          let names = Value(member.value, path: "\(value.path).\(member.key)", in: value.reading).list { $0.words() }
          add(names?.map { "\(word)\(member.key)/\($0)" })
        }
      }
      list("namespaces", "namespace ")
      list("nodes", "node ")
      list("podPhaseSelectors", "phase ")
      pairs("labelSelectors", "")
      pairs("annotationSelectors", "annotation ")
      pairs("fieldSelectors", "field ")
      pairs("nodeSelectors", "node label ")
      grouped("pods", "pod ")
      grouped("physicalMachines", "machine ")
      if let expressions = fields.present("expressionSelectors") { add(expressions.list(expression)) }
      return isSound ? SelectorTerms(terms: terms) : nil
    }
  }

  private static func expression(_ value: Value) -> String? {
    value.fields { fields in
      let key = fields.required("key") { $0.words() }
      let comparison = fields.required("operator") { $0.words() }
      let values = fields.optional("values", or: []) { $0.isEmpty ? [] : $0.list { $0.words() } }
      guard let key, let comparison, let values else { return nil }
      let set = values.isEmpty ? "" : " (\(values.sorted().joined(separator: ", ")))"
      return "expression \(key) \(comparison)\(set)"
    }
  }
}
