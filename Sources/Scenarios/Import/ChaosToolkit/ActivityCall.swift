internal import Support

/// What an activity asks by itself, without Python: a request or a program. Its answer can be a probe's.
enum ActivityCall {
  case http([YamlTree.Member], timeout: Duration?)
  case program([String], timeout: Duration?)

  /// The call of an activity; `nil` where its provider is another, or what it says has no words here: then `whyNot` says it.
  static func of(_ activity: ChaosToolkitActivity, in experiment: ChaosToolkitExperiment) -> (
    call: ActivityCall?, whyNot: String
  ) {
    guard case .mapping(let members) = activity.provider?.node.content else { return (nil, "it has no provider") }
    func text(_ key: String) -> String? {
      guard case .scalar(let text, _)? = members.first(where: { $0.key == key })?.value.content else { return nil }
      return experiment.substituted(text)
    }
    let timeout = text("timeout").flatMap { DecimalText($0)?.times(1_000_000_000) }.map { Duration.nanoseconds($0) }
    let isUsed = timeout.map { $0 > .zero && $0 <= .seconds(3600) } ?? true
    guard isUsed else { return (nil, "its timeout is none") }
    switch text("type") {
    case "http":
      guard let url = text("url"), url.hasPrefix("http://") || url.hasPrefix("https://") else {
        return (nil, "its URL is none of HTTP")
      }
      let method = (text("method") ?? "GET").uppercased()
      guard ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"].contains(method) else {
        return (nil, "the method \(method) is not known")
      }
      for key in ["arguments", "auth", "data"] where members.contains(where: { $0.key == key }) {
        return (nil, "its \(key) would have to be encoded as Python does")
      }
      var keys = method == "GET" ? [] : [YamlTree.Member("method", .word(method))]
      keys.append(.init("url", .text(harmlessText(url))))
      if let headers = members.first(where: { $0.key == "headers" })?.value {
        guard case .mapping(let pairs) = headers.content else { return (nil, "its headers are no mapping") }
        let written = pairs.compactMap { pair -> YamlTree.Member? in
          guard case .scalar(let text, _) = pair.value.content else { return nil }
          return .init(pair.key, .text(harmlessText(experiment.substituted(text))))
        }
        guard written.count == pairs.count else { return (nil, "a header of its is no text") }
        if !written.isEmpty { keys.append(.init("headers", .mapping(written))) }
      }
      return (.http(keys, timeout: timeout), "")
    case "process":
      guard let path = text("path"), !path.isEmpty else { return (nil, "it names no program") }
      guard let arguments = words(members.first { $0.key == "arguments" }?.value, experiment) else {
        return (nil, "its arguments cannot be told apart without a shell: write them as a list")
      }
      return (.program([path] + arguments, timeout: timeout), "")
    default: return (nil, "what it does is known to its program alone")
    }
  }

  /// Arguments as a list, a mapping of options, or a text without quotes.
  private static func words(_ node: Node?, _ experiment: ChaosToolkitExperiment) -> [String]? {
    guard let node, !node.isNull else { return [] }
    func scalar(_ node: Node) -> String? {
      guard case .scalar(let text, _) = node.content else { return nil }
      return experiment.substituted(text)
    }
    switch node.content {
    case .scalar(let text, _):
      let text = experiment.substituted(text)
      guard !text.contains(where: { "'\"\\`$|&;<>*?".contains($0) }) else { return nil }
      return text.split(whereSeparator: \.isWhitespace).map(String.init)
    case .sequence(let nodes):
      let words = nodes.compactMap(scalar)
      return words.count == nodes.count ? words : nil
    case .mapping(let pairs):
      let words = pairs.flatMap { pair in
        [pair.key] + (pair.value.isNull ? [] : [scalar(pair.value)].compactMap(\.self))
      }
      let wanted = pairs.reduce(0) { $0 + ($1.value.isNull ? 1 : 2) }
      return words.count == wanted ? words : nil
    }
  }

  /// The one key that asks: of a probe, and of a step.
  var question: YamlTree.Member {
    switch self {
    case .http(let keys, _): .init("http", .flow(.mapping(keys)))
    case .program(let words, _):
      .init("command", .flow(.mapping([.init("argv", .list(words.map { .text(harmlessText($0)) }))])))
    }
  }

  var timeout: Duration? {
    switch self {
    case .http(_, let timeout), .program(_, let timeout): timeout
    }
  }

  /// What the answer must be, by a tolerance; a mistake there when it has no words here.
  func expectation(_ tolerance: Value?) -> [YamlTree.Member]? {
    guard let tolerance else { return [] }
    func expect(_ key: String, _ tree: YamlTree) -> [YamlTree.Member] {
      [.init("expect", .flow(.mapping([.init(key, tree)])))]
    }
    switch tolerance.node.content {
    case .scalar(let text, plain: true):
      guard let number = Int(text) else { break }
      switch self {
      case .http where (100...599).contains(number): return expect("status", .list([.word("\(number)")]))
      case .program where (0...255).contains(number): return expect("exit", .word("\(number)"))
      default: break
      }
    case .sequence(let nodes):
      let numbers = nodes.compactMap { node -> Int? in
        guard case .scalar(let text, plain: true) = node.content else { return nil }
        return Int(text)
      }
      guard case .http = self, numbers.count == nodes.count, let first = numbers.first, let last = numbers.last,
        numbers.allSatisfy({ (100...599).contains($0) }), first <= last
      else { break }
      // Two numbers are a range there.
      let all = numbers.count == 2 ? Array(first...last) : numbers
      return expect("status", .list(Set(all).sorted().map { .word("\($0)") }))
    case .mapping(let members):
      func text(_ key: String) -> String? {
        guard case .scalar(let text, _)? = members.first(where: { $0.key == key })?.value.content else { return nil }
        return text
      }
      let isOutput = ["body", "stdout"].contains(text("target") ?? "stdout")
      if text("type") == "regex", isOutput, let pattern = text("pattern"), !pattern.isEmpty,
        !pattern.contains(where: { ".^$*+?()[]{}|\\".contains($0) })
      {
        return expect("contains", .text(harmlessText(pattern)))
      }
      if text("type") == "range", isOutput,
        case .sequence(let bounds)? = members.first(where: { $0.key == "range" })?.value.content
      {
        let numbers = bounds.compactMap { node -> String? in
          guard case .scalar(let text, _) = node.content, Double(text) != nil else { return nil }
          return text
        }
        if numbers.count == 2, bounds.count == 2 {
          return [
            .init("expect", .flow(.mapping([.init("min", .word(numbers[0])), .init("max", .word(numbers[1]))])))
          ]
        }
      }
    default: break
    }
    tolerance.mistake(
      "the tolerance \(tolerance.node.summary) cannot be expressed",
      fix:
        "a status or an exit code, a list of them, a range, or a regex that is a plain text; or let the map say what the"
        + " activity stands for")
    return nil
  }

  /// The keys of a probe.
  func probe(_ expectation: [YamlTree.Member]) -> [YamlTree.Member] {
    [question] + (timeout.map { [.init("timeout", .word($0.text))] } ?? []) + expectation
  }
}
