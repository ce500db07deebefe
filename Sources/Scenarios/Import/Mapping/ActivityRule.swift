internal import Support

extension ImportMap {
  /// What an activity of Chaos Toolkit stands for.
  struct ActivityRule: Sendable {
    enum Meaning: Sendable {
      /// A fault: the keys of its entry besides its name and its begin, and how long it lasts.
      case fault(keys: [YamlTree.Member], region: String, hold: Duration)
      /// An expectation of the steady state, as it stands there.
      case expectation(Node)
      /// Nothing, and why.
      case nothing(String)
    }

    /// Keys of the activity or of its provider, each with the text that it must have.
    var match: [(key: String, text: String)]
    var meaning: Meaning
    var mark: Mark
  }

  /// The keys that a rule can ask for.
  static let activityKeys = ["name", "type", "module", "func", "path", "url"]

  /// The first rule that asks for nothing else than `facts` have.
  func activity(_ facts: [String: String]) -> ActivityRule? {
    activities.first { rule in rule.match.allSatisfy { facts[$0.key] == $0.text } }
  }
}

extension ImportMap.ActivityRule {
  static func read(_ value: Value) -> ImportMap.ActivityRule? {
    value.fields { fields -> ImportMap.ActivityRule? in
      let match = fields.required("match") { match -> [(key: String, text: String)]? in
        match.fields { keys in
          let pairs = ImportMap.activityKeys.compactMap { key in
            keys.present(key).map { (key, $0.words()) }
          }
          guard !pairs.isEmpty else {
            match.mistake(
              "matches every activity", fix: "one or more of \(ImportMap.activityKeys.joined(separator: ", "))")
            return nil
          }
          return pairs.contains { $0.1 == nil } ? nil : pairs.map { ($0.0, $0.1 ?? "") }
        }
      }
      let fault = fields.present("fault")
      let expectation = fields.present("expect")
      let reason = fields.present("nothing")
      guard [fault, expectation, reason].count(where: { $0 != nil }) == 1 else {
        value.mistake("expected one of fault, expect, nothing")
        return nil
      }
      let meaning =
        fault.map(readFault) ?? expectation.map { .expectation($0.node) } ?? reason?.words().map { .nothing($0) }
      guard let match, let meaning else { return nil }
      return ImportMap.ActivityRule(match: match, meaning: meaning, mark: value.node.mark)
    }
  }

  /// An entry of a timeline without its name and its begin. What it says is judged where it is used.
  private static func readFault(_ value: Value) -> Meaning? {
    guard case .mapping(let members) = value.node.content else {
      value.mistake("expected the keys of a fault, such as { fault: partition, region: east, from: all, for: 20s }")
      return nil
    }
    let fields = Fields(of: value, members)
    let hold = fields.required("for") { $0.positiveDuration() }
    let region = fields.required("region") { $0.words(expected: "a region") }
    fields.refuse("id", "the activity's name becomes the id")
    fields.refuse("at", "the place in the method says when it begins")
    guard let hold, let region else { return nil }
    let keys = members.filter { $0.key != "for" }.map { YamlTree.Member($0.key, YamlTree($0.value).onOneLine) }
    return .fault(keys: keys, region: region, hold: hold)
  }
}

extension YamlTree {
  /// Itself, in short form.
  var onOneLine: YamlTree {
    switch self {
    case .list, .mapping: .flow(self)
    case .text, .word, .flow, .commented: self
    }
  }
}
