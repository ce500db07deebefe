extension Shape {
  private static func http(method: HTTPCall.Method) -> Shape {
    .keys([
      .may("method", .words(HTTPCall.Method.self), method.rawValue, "the method"), .must("url", .text, "the address"),
      .may("headers", .anyKeys(.text), "header fields"), .may("body", .text, "the body"),
    ])
  }

  private static let command = Shape.keys([
    .must("argv", .list(.text), "the program and its arguments; no shell sees it"),
    .may("region", .region, "in whose network it runs"),
  ])

  static let probes: [(name: String, shape: Shape)] = [
    ("probe", .any(ProbeQuestion.Kind.allCases.map { kind in .keys(probeKeys(kind)) }))
  ]

  private static func probeKeys(_ kind: ProbeQuestion.Kind) -> [Key] {
    let bounds: [Key] = [.may("min", .number, "at least"), .may("max", .number, "at most")]
    let text: [Key] = [.may("text", .text, "the whole answer"), .may("contains", .text, "a part of it")]
    let question: Shape
    let answer: [Key]
    switch kind {
    case .http:
      question = http(method: .get)
      answer = [.may("status", .list(.integer(100...599)), "one of these")] + text
    case .tcp:
      question = .keys([.must("host", .text, "where to"), .must("port", .integer(1...65_535), "the port")])
      answer = []
    case .sql:
      question = .keys([.must("store", .region, "which store"), .must("query", .text, "read-only")])
      answer = text + bounds
    case .command:
      question = command
      answer = [.may("exit", .integer(0...255), "0", "its exit code")] + text + bounds
    case .metric:
      question = .named("expectation")
      answer = []
    case .prometheus:
      question = .keys([.must("url", .text, "the server"), .must("query", .text, "with one sample")])
      answer = bounds
    }
    return [
      .may("region", .region, "where it is asked from"),
      .may("host", .text, "whose agent asks it: http, tcp and prometheus"),
      .may("every", .duration, "1s", "from one question to the next"),
      .may("timeout", .duration, "1s", "the longest wait for an answer"),
      .must(kind.rawValue, question, "what is asked"), .may("expect", .keys(answer), "what the answer must be"),
    ]
  }

  static let runbooks: [(name: String, shape: Shape)] = [
    (
      "runbook",
      .any(
        runbookStarts.map { start in
          .keys(
            start + [
              .may("onFailure", .words(Runbook.OnFailure.self), "undo", "after a step failed for good"),
              .must("steps", .list(.named("step")), "in their order"),
            ])
        })
    ),
    (
      "step",
      .keys([
        .must("id", .name(32), "unique"),
        .may(
          "decides",
          .any([
            .choice(["tool"]), .keys([.must("person", .text, "by name")]), .keys([.must("role", .text, "by role")]),
          ]), "tool", "who decides that it may begin"),
        .may("after", .list(.text), "what must be done before"),
        .may("precondition", .named("condition"), "what must hold before it begins"),
        .must("do", .named("action"), "what it does"),
        .may("verify", .named("condition"), "what must hold afterwards"),
        .may("undo", .named("action"), "what takes it back"), .must("timeout", .duration, "each attempt"),
        .may(
          "retries", .keys([.must("times", .integer(1...1000), "more"), .must("every", .duration, "apart")]),
          "how often it is tried again"),
        .may("gate", .named("condition"), "what must hold before another step begins"),
      ])
    ),
    (
      "action",
      .any(
        [.choice(RunbookAction.Verb.allCases.filter { !keys(of: $0).contains(where: \.isRequired) }.map(\.rawValue))]
          + RunbookAction.Verb.allCases.map { verb in
            .keys([.must(verb.rawValue, .keys(keys(of: verb)), "what is done")])
          })
    ),
    (
      "message",
      .keys([
        .must("id", .name(32), "unique"), .must("due", .duration, "T+5 is 5m"),
        .must(
          "after",
          .any(["fault", "detection", "step"].map { .keys([.must($0, .text, "an id")]) }), "T"),
        .may("audience", .text, "", "whom it is for"),
        .must(
          "sink",
          .any([
            .keys([.must("file", .pattern("^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$"), "in the run directory")]),
            .keys([.must("command", command, "its standard input")]),
            .keys([.must("webhook", http(method: .post), "a request")]),
          ]), "where it goes"), .must("text", .text, "what it says"),
      ])
    ),
  ]

  /// The arguments of each action.
  private static func keys(of verb: RunbookAction.Verb) -> [Key] {
    let region: [Key] = [.must("region", .region, "where")]
    let names = Key.may("names", .list(.text), "which; all, if absent")
    let between: [Key] = [.must("from", .region, "from where"), .must("to", .region, "where to")]
    switch verb {
    case .pauseMirror, .resumeMirror: return between
    case .fenceRegion, .promote, .demote, .transferLeadership: return region
    case .repointProducers: return [.must("to", .region, "where to"), names]
    case .pauseProducers, .resumeProducers, .pauseConsumers, .resumeConsumers: return [names]
    case .exportOffsets, .importOffsets: return region + [.must("snapshot", .name(32), "its name"), names]
    case .verifyParity, .reconcile: return [.may("regions", .list(.region), "all with a store, if absent")]
    case .shiftTraffic:
      return between + [
        .must("stages", .list(.percentage), "rising, the last 100%"), .must("hold", .duration, "each stage"),
        .may("gate", .named("expectation"), "what must hold all through each stage"),
      ]
    case .repointOutbox:
      return [
        .must("to", .region, "whose store"),
        .may(
          "snapshot", .words(OutboxMove.Snapshot.self), OutboxMove.Snapshot.noData.rawValue, "of what is there already"),
      ]
    case .reEmitOutbox: return region
    case .command:
      return [
        .must("argv", .list(.text), "the program and its arguments"), .may("region", .region, "in whose network"),
      ]
    case .http:
      guard case .keys(let keys) = http(method: .post) else { return [] }
      return keys
    case .approval: return [.must("by", .text, "who"), .must("prompt", .text, "what is asked")]
    case .wait: return [.must("for", .duration, "how long")]
    case .stopMirror, .mirrorStatus, .exportMirrorOffsets, .setMirrorOffsets, .resetMirrorOffsets, .createTopics,
      .topicDrift, .snapshotAccess, .compareAccess, .grantWrite, .revokeWrite:
      return kafkaKeys(of: verb)
    }
  }
}
