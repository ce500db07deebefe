internal import Support

/// One activity of a Chaos Toolkit experiment: a probe or an action, and who does it.
struct ChaosToolkitActivity {
  enum Form: String, CaseIterable {
    case probe, action
  }

  var name: String
  var type: Form
  /// What a rule of the mapping file can ask for.
  var facts: [String: String]
  var pauseBefore: Duration
  var pauseAfter: Duration
  var isBackground: Bool
  var tolerance: Value?
  var value: Value
  /// Who does it, as it is written.
  var provider: Value?

  /// How messages call it: `the action 'cut the link' (process zbchaos)`.
  var summary: String {
    let does =
      facts["path"] ?? facts["url"] ?? [facts["module"], facts["func"]].compactMap(\.self).joined(separator: ".")
    return "the \(type.rawValue) \(quoted(name))\(does.isEmpty ? "" : " (\(does))")"
  }

  static func read(_ value: Value, in experiment: ChaosToolkitExperiment) -> ChaosToolkitActivity? {
    if let reference = reference(value) { return resolve(reference, in: experiment) }
    return value.fields { fields in
      let name = fields.required("name") { $0.words(expected: "a name") }
      let type = fields.required("type") { $0.choice(Form.self, called: "a type of activity") }
      let provider = fields.required("provider") { readProvider($0, in: experiment) }
      let pauses = readPauses(fields)
      let isBackground = fields.present("background").map { $0.truth() } ?? .some(false)
      fields.refuse("controls", "controls are Python code that runs around an activity")
      if let dry = fields.present("dry"), dry.truth() == true {
        dry.remark("is not carried out there, for dry is true; here it is")
      }
      fields.pass("timeout", "id")
      let tolerance = fields.present("tolerance")
      guard let name, let type, var facts = provider, let pauses, let isBackground else { return nil }
      facts["name"] = name
      facts["type"] = type.rawValue
      return ChaosToolkitActivity(
        name: name, type: type, facts: facts, pauseBefore: pauses.before, pauseAfter: pauses.after,
        isBackground: isBackground, tolerance: tolerance, value: value,
        provider: fields.value("provider"))
    }
  }

  /// The name behind `{ref: NAME}`.
  private static func reference(_ value: Value) -> Value? {
    guard case .mapping(let members) = value.node.content, let member = members.first(where: { $0.key == "ref" }) else {
      return nil
    }
    return Value(member.value, path: "\(value.path).ref", in: value.reading)
  }

  private static func resolve(_ reference: Value, in experiment: ChaosToolkitExperiment) -> ChaosToolkitActivity? {
    guard let name = reference.words(expected: "the name of an activity") else { return nil }
    if let known = experiment.known[name] { return known }
    let near = closest(to: name, among: experiment.known.keys.sorted()).map { "did you mean '\($0)'?" }
    reference.mistake("there is no activity \(quoted(name)) before it", fix: near)
    return nil
  }

  private static func readProvider(_ value: Value, in experiment: ChaosToolkitExperiment) -> [String: String]? {
    value.fields { fields -> [String: String]? in
      guard let type = fields.required("type", { $0.words(expected: "python, process or http") }) else { return nil }
      var facts: [String: String] = [:]
      func take(_ key: String) {
        if let text = fields.required(key, { $0.words() }) { facts[key] = experiment.substituted(text) }
      }
      switch type {
      case "python":
        take("module")
        take("func")
        fields.pass("arguments", "secrets")
      case "process":
        take("path")
        fields.pass("arguments", "timeout", "env", "secrets")
      case "http":
        take("url")
        fields.pass("method", "headers", "arguments", "timeout", "verify_tls", "max_retries", "auth", "secrets", "data")
      default:
        fields.value("type")?.mistake(
          "\(quoted(type)) is no provider of Chaos Toolkit's", fix: "known: python, process, http")
        fields.pass("module", "func", "path", "url", "arguments", "secrets", "timeout")
        return nil
      }
      return facts
    }
  }

  private static func readPauses(_ fields: Fields) -> (before: Duration, after: Duration)? {
    guard let pauses = fields.present("pauses") else { return (.zero, .zero) }
    return pauses.fields { fields in
      let before = fields.present("before").map { $0.seconds() } ?? .some(.zero)
      let after = fields.present("after").map { $0.seconds() } ?? .some(.zero)
      guard let before, let after else { return nil }
      return (before, after)
    }
  }
}

extension Value {
  /// A number of seconds without a unit, as Chaos Toolkit writes pauses.
  fileprivate func seconds() -> Duration? {
    guard let text = text(expected: "a number of seconds") else { return nil }
    if text.hasPrefix("${") {
      mistake("a pause from the configuration cannot be expressed: when faults begin is fixed in a plan")
      return nil
    }
    guard let nanoseconds = DecimalText(text)?.times(1_000_000_000), nanoseconds <= 86_400_000_000_000 else {
      mistake("expected a number of seconds, up to a day, found \(quoted(text))")
      return nil
    }
    return .nanoseconds(nanoseconds)
  }
}
