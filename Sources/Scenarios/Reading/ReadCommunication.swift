internal import Support

extension Communication {
  static func read(_ value: Value) -> Communication? {
    value.fields { fields in
      let id = fields.required("id") { $0.name() }
      let due: Duration? = fields.required("due") { $0.unit() }
      let anchor = fields.required("after", Anchor.read)
      let audience = fields.optional("audience", or: "") { $0.text() }
      let sink = fields.required("sink", Sink.read)
      let text = fields.required("text") { $0.template(expected: "what the message says") }
      guard let id, let due, let anchor, let audience, let sink, let text else { return nil }
      return Communication(id: id, due: due, anchor: anchor, audience: audience, sink: sink, text: text)
    }
  }
}

extension Communication.Anchor {
  fileprivate static func read(_ value: Value) -> Communication.Anchor? {
    value.fields { fields in
      let key = fields.only(["fault", "detection", "step"], called: "what its time is counted from")
      guard let key, let id = fields.required(key, { $0.text(expected: "an id") }) else { return nil }
      switch key {
      case "fault": return .fault(id)
      case "detection": return .detection(id)
      default: return .step(id)
      }
    }
  }
}

extension Communication.Sink {
  fileprivate static func read(_ value: Value) -> Communication.Sink? {
    value.fields { fields in
      switch fields.only(["file", "command", "webhook"], called: "where the message goes") {
      case "file": fields.required("file") { $0.fileName() }.map { .file($0) }
      case "command": fields.required("command", CommandCall.read).map { .command($0) }
      case "webhook": fields.required("webhook") { HTTPCall.read($0, method: .post) }.map { .webhook($0) }
      default: nil
      }
    }
  }
}

extension Value {
  /// The name of a file of the run directory: no way leads out of it.
  fileprivate func fileName() -> String? {
    let form = "the name of a file, such as comms.log"
    guard let text = text(expected: form) else { return nil }
    let isPlain = text.utf8.allSatisfy {
      (97...122).contains($0) || (65...90).contains($0) || (48...57).contains($0) || [45, 46, 95].contains($0)
    }
    guard isPlain, !text.hasPrefix("."), (1...64).contains(text.utf8.count) else {
      mistake(
        "expected \(form), found \(quoted(text))",
        fix: "letters, digits, '.', '-' and '_'; it goes to the run directory")
      return nil
    }
    return text
  }
}
