internal import Support

/// Questions that an imported file asks, on their way into a scenario.
final class ImportedChecks {
  /// Probes by their names.
  private(set) var probes: [YamlTree.Member] = []
  /// What must hold before anything is injected.
  private(set) var expectations: [YamlTree] = []
  /// What ends the drill.
  private(set) var aborts: [YamlTree] = []
  /// Steps of the way back.
  private(set) var steps: [YamlTree] = []
  /// How long they may take in all.
  private(set) var longestSteps = Duration.zero
  private var names = Names(longest: 32)
  private var stepNames = Names(longest: 32)

  /// Adds a probe, and returns the name that it was given.
  func add(probe keys: [YamlTree.Member], called name: String) -> String {
    let name = names.unique(name)
    probes.append(.init(name, .mapping(keys)))
    return name
  }

  func expect(_ tree: YamlTree) { expectations.append(tree) }

  /// Ends the drill when a probe has not passed for so long.
  func abort(probe name: String, after time: Duration) {
    aborts.append(.flow(.mapping([.init("probe", .word(name)), .init("for", .word(time.text))])))
  }

  /// Adds a step of the way back.
  func add(step action: YamlTree.Member, called name: String, within limit: Duration) {
    longestSteps += limit
    steps.append(
      .mapping([
        .init("id", .word(stepNames.unique(name))), .init("do", .flow(.mapping([action]))),
        .init("timeout", .word(limit.text)),
      ]))
  }
}

/// `StatusCheck`: an HTTP server that must answer.
enum StatusCheck {
  enum Mode: String, CaseIterable {
    case synchronous = "Synchronous"
    case continuous = "Continuous"
  }

  enum Method: String, CaseIterable {
    case get = "GET"
    case post = "POST"
  }

  /// - Parameter aborts: whether the workflow around it ends when it fails.
  static func read(
    _ value: Value, name: String, limit: Duration?, aborts: Bool, in context: ChaosMeshContext
  ) -> ImportedStep? {
    value.fields { fields -> ImportedStep? in
      let mode = fields.optional("mode", or: Mode.synchronous) { $0.choice(Mode.self, called: "a mode") }
      let type = fields.required("type") { type -> String? in
        guard let text = type.words(expected: "HTTP") else { return nil }
        guard text == "HTTP" else {
          type.mistake("a check of type \(quoted(text)) is not known", fix: "known: HTTP")
          return nil
        }
        return text
      }
      let duration = fields.present("duration").map { $0.faultDuration().map { Optional($0) } } ?? .some(nil)
      let timeout = seconds("timeoutSeconds", fields, or: 1)
      let interval = seconds("intervalSeconds", fields, or: 1)
      let failures = fields.present("failureThreshold").map { $0.integer(in: 1...1_000_000) } ?? .some(3)
      let successes = fields.present("successThreshold").map { $0.integer(in: 1...1_000_000) } ?? .some(1)
      fields.pass("recordsHistoryLimit")
      let question = fields.required("http", readHTTP)
      guard let mode, type != nil, let duration, let timeout, let interval, let failures, let successes, let question
      else { return nil }
      let keys =
        [.init("http", .flow(.mapping(question.call)))]
        + [.init("every", .word(interval.text)), .init("timeout", .word(timeout.text))] + question.expectation
      let probe = context.checks.add(probe: keys, called: name)
      if aborts {
        context.checks.abort(probe: probe, after: interval * Int(failures))
        value.note(
          "the drill ends when it has not passed for \((interval * Int(failures)).text): \(failures) times there")
      } else if context.map.sections.contains(where: { $0.key == "steadyState" }) {
        value.remark("the map gives the steady state; that probe '\(probe)' passes is not part of it")
      } else {
        context.checks.expect(.flow(.mapping([.init("probe", .word(probe))])))
        value.remark(
          mode == .synchronous
            ? "there the workflow waits at this place for \(successes) good answers; here the answer must be good before anything"
              + " is injected, and is asked for all through"
            : "there it is asked for while this place lasts; here the answer must be good before anything is injected, and is"
              + " asked for all through")
      }
      return .pause(mode == .continuous ? limit ?? duration ?? .zero : .zero)
    }
  }

  private static func seconds(_ key: String, _ fields: Fields, or fallback: Int64) -> Duration? {
    let number = fields.present(key).map { $0.integer(in: 1...86_400) } ?? .some(fallback)
    return number.map { .seconds($0) }
  }

  private static func readHTTP(_ value: Value) -> (call: [YamlTree.Member], expectation: [YamlTree.Member])? {
    value.fields { fields in
      let url = fields.required("url") { $0.words(expected: "a URL") }
      let method = fields.optional("method", or: Method.get) { $0.choice(Method.self, called: "a method") }
      let headers = fields.present("headers").map(readHeaders) ?? .some([])
      let body = fields.present("body").map { $0.words().map { Optional($0) } } ?? .some(nil)
      let criteria = fields.required("criteria") { criteria in
        criteria.fields { $0.required("statusCode", readStatus) }
      }
      guard let url, let method, let headers, let body, let criteria else { return nil }
      var call: [YamlTree.Member] = []
      if method != .get { call.append(.init("method", .word(method.rawValue))) }
      call.append(.init("url", .text(harmlessText(url))))
      if !headers.isEmpty { call.append(.init("headers", .mapping(headers))) }
      if let body { call.append(.init("body", .text(harmlessText(body)))) }
      return (call, criteria)
    }
  }

  /// Each header has a list of values there.
  private static func readHeaders(_ value: Value) -> [YamlTree.Member]? {
    guard case .mapping(let members) = value.node.content else {
      value.mistake("expected a mapping, found \(value.node.summary)")
      return nil
    }
    var headers: [YamlTree.Member] = []
    for member in members {
      let entry = Value(member.value, path: "\(value.path).\(member.key)", in: value.reading)
      guard let texts = entry.list({ $0.words() }) else { return nil }
      guard texts.count == 1 else {
        entry.mistake("a header has one value here, found \(texts.count)")
        return nil
      }
      headers.append(.init(member.key, .text(harmlessText(texts[0]))))
    }
    return headers
  }

  /// `"200"`, or a range `"200-300"` with both its ends.
  private static func readStatus(_ value: Value) -> [YamlTree.Member]? {
    guard let text = value.words(expected: "a status such as \"200\" or \"200-300\"") else { return nil }
    let parts = text.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
    guard (1...2).contains(parts.count), let first = parts[0], let last = parts[parts.count - 1],
      (100...599).contains(first), (100...599).contains(last), first <= last
    else {
      value.mistake("expected a status from 100 to 599, or a range of them such as \"200-300\", found \(quoted(text))")
      return nil
    }
    let all = (first...last).map { YamlTree.word("\($0)") }
    return [.init("expect", .flow(.mapping([.init("status", .list(all))])))]
  }
}

/// A text of another tool, in which nothing is taken for a variable of ours.
func harmlessText(_ text: String) -> String { text.replacing("${", with: "$${") }
