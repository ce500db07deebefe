internal import Support

// Reading a file of another tool. What cannot be said in a scenario is refused where it stands; what the other tool would
// silently have made something else of is remarked.

extension Value {
  /// The text of a scalar, whatever signs of its own language are in it.
  func words(expected: String = "a text") -> String? {
    guard case .scalar(let text, _) = node.content, !node.isNull else {
      mistake("expected \(expected), found \(node.summary)")
      return nil
    }
    return text
  }

  /// Says what would have been something else in the other tool, or what is something else here.
  func remark(_ what: String, fix: String? = nil) {
    reading.found(.warning, at: node.mark, path: path, what, fix: fix)
  }

  /// Says what the import decided.
  func note(_ what: String) { reading.found(.note, at: node.mark, path: path, what) }

  /// The value, unless it is empty.
  var present: Value? { node.isNull ? nil : self }

  /// Whether it is empty, or a list or mapping of nothing.
  var isEmpty: Bool {
    switch node.content {
    case .scalar(let text, _): node.isNull || text.isEmpty
    case .sequence(let elements): elements.isEmpty
    case .mapping(let members): members.isEmpty
    }
  }

  /// Whether it stood without quotes, so that the other tool reads a number or a truth value.
  var isPlain: Bool {
    guard case .scalar(_, plain: true) = node.content else { return false }
    return true
  }

  /// A truth value of YAML or JSON.
  func truth() -> Bool? {
    guard let text = text(expected: "true or false") else { return nil }
    switch text.lowercased() {
    case "true": return true
    case "false": return false
    default:
      mistake("expected true or false, found \(quoted(text))")
      return nil
    }
  }

  /// Texts by keys of any form, in the order of the file.
  func texts() -> [(key: String, text: String)]? {
    guard case .mapping(let members) = node.content else {
      mistake("expected a mapping, found \(node.summary)")
      return nil
    }
    let pairs = members.map { member -> (key: String, text: String)? in
      let value = Value(member.value, path: "\(path).\(member.key)", in: reading)
      if value.node.isNull { return (member.key, "") }
      return value.words().map { (member.key, $0) }
    }
    return pairs.contains { $0 == nil } ? nil : pairs.compactMap(\.self)
  }

  /// A duration as Go reads it, not negative.
  func goDuration() -> Duration? {
    guard let duration = signedGoDuration() else { return nil }
    guard duration.nanoseconds >= 0 else {
      mistake("cannot be negative: \(quoted(text() ?? ""))")
      return nil
    }
    return duration.magnitude
  }

  /// A duration as Go reads it.
  func signedGoDuration() -> GoDuration? {
    guard let text = text(expected: "a duration such as 90ms or 1m30s") else { return nil }
    guard let duration = GoDuration(text) else {
      let bare = DecimalText(text) != nil
      mistake(
        "expected a duration such as 90ms or 1m30s, found \(quoted(text))",
        fix: bare ? "say the unit: did you mean \(text)s?" : nil)
      return nil
    }
    return duration
  }

  /// A duration longer than zero that ends a fault.
  func faultDuration() -> Duration? {
    guard let duration = goDuration() else { return nil }
    guard duration > .zero else {
      mistake("must be longer than zero")
      return nil
    }
    return duration
  }

  /// A percentage without its sign, as Chaos Mesh and chaosd write it in a text: `"25"`, `"0.5"`.
  func barePercentage() -> Percentage? {
    guard let text = text(expected: "a percentage without its sign, such as \"25\"") else { return nil }
    let digits = text.hasSuffix("%") ? String(text.dropLast()) : text
    guard let parts = DecimalText(digits)?.times(10_000), parts <= 1_000_000 else {
      mistake("expected a percentage from \"0\" to \"100\", exact to 0.0001, found \(quoted(text))")
      return nil
    }
    if digits.contains("."), parts > 0, parts <= 10_000 {
      let share = Percentage(partsPerMillion: parts)
      remark("\(quoted(text)) is a percentage, not a probability: it is read as \(share), as Chaos Mesh does")
    }
    return Percentage(partsPerMillion: parts)
  }
}

extension Fields {
  /// The value of `key`; `nil` when it is absent or empty.
  func present(_ key: String) -> Value? { value(key)?.present }

  /// Refuses `key` by name wherever it says something.
  func refuse(_ key: String, _ why: String, fix: String? = nil) {
    guard let value = value(key), !value.isEmpty else { return }
    value.mistake(why, fix: fix)
  }

  /// Keys that mean nothing for a drill.
  func pass(_ keys: String...) {
    for key in keys { _ = value(key) }
  }
}
