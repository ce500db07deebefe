internal import Support

extension HTTPCall {
  static func read(_ value: Value) -> HTTPCall? { read(value, method: .get) }

  /// - Parameter method: the one meant where none is given.
  static func read(_ value: Value, method: Method) -> HTTPCall? {
    value.fields { fields in
      let method = fields.optional("method", or: method) { $0.choice(called: "a method") }
      let url = fields.required("url") { $0.url() }
      let headers = fields.optional("headers", or: []) { $0.headers() }
      let body = fields.value("body").flatMap { $0.template() }
      guard let method, let url, let headers else { return nil }
      return HTTPCall(method: method, url: url, headers: headers, body: body)
    }
  }
}

extension CommandCall {
  static func read(_ value: Value) -> CommandCall? {
    value.fields { fields in
      let argv = fields.required("argv") { $0.list { $0.template(expected: "a word of a command") } }
      let region = fields.value("region").flatMap { $0.text(expected: "a region") }
      guard let argv else { return nil }
      guard argv.first.map({ !$0.text.isEmpty }) ?? false else {
        fields.mistake("argv names no program", fix: "such as argv: [/usr/bin/true]")
        return nil
      }
      return CommandCall(argv: argv, region: region)
    }
  }
}

extension Value {
  /// A text in which `${secret:name}` may stand.
  func template(expected: String = "a text") -> Template? {
    text(expected: expected, isTemplate: true).map { Template($0) }
  }

  /// An address that begins with `http://` or `https://`, in which `${secret:name}` may stand.
  func url() -> Template? {
    guard let url = template(expected: "an address such as http://10.0.0.9:8080/health") else { return nil }
    let isSecret = if case .secret = url.parts.first { true } else { false }
    guard isSecret || url.text.hasPrefix("http://") || url.text.hasPrefix("https://"),
      url.text.utf8.allSatisfy({ $0 > 32 && $0 < 127 })
    else {
      mistake("expected an address such as http://10.0.0.9:8080/health, found \(quoted(url.text))")
      return nil
    }
    return url
  }

  /// Header fields: a mapping from their names to their values.
  fileprivate func headers() -> [HTTPCall.Header]? {
    guard case .mapping(let members) = node.content else {
      mistake("expected a mapping, found \(node.summary)")
      return nil
    }
    let headers = members.map { member -> HTTPCall.Header? in
      let value = Value(member.value, path: "\(path).\(member.key)", in: reading, at: member.keyMark)
      guard !member.key.isEmpty, member.key.utf8.allSatisfy(isTokenCharacter) else {
        value.mistake("\(quoted(member.key)) is no name of a header field")
        return nil
      }
      guard let text = value.template() else { return nil }
      guard text.text.utf8.allSatisfy({ $0 >= 32 && $0 != 127 }) else {
        value.mistake("a header field is one line")
        return nil
      }
      return HTTPCall.Header(name: member.key, value: text)
    }
    return headers.contains { $0 == nil } ? nil : headers.compactMap(\.self)
  }

  /// An IPv4 or IPv6 address.
  func address() -> String? {
    let form = "an address such as 10.0.0.5 or fd00::5"
    guard let text = text(expected: form) else { return nil }
    guard isAddress(text) else {
      mistake("expected \(form), found \(quoted(text))")
      return nil
    }
    return text
  }

  /// A number without a unit, of an answer whose unit only its system knows.
  func number() -> Double? {
    let form = "a number"
    guard let text = text(expected: form) else { return nil }
    let isDecimal = text.utf8.allSatisfy { (48...57).contains($0) || $0 == 45 || $0 == 46 }
    guard isDecimal, let number = Double(text), number.isFinite else {
      mistake("expected \(form), found \(quoted(text))")
      return nil
    }
    return number
  }
}

/// RFC 9110, section 5.6.2.
private func isTokenCharacter(_ byte: UInt8) -> Bool {
  (97...122).contains(byte) || (65...90).contains(byte) || (48...57).contains(byte)
    || Array("!#$%&'*+-.^_`|~".utf8).contains(byte)
}
