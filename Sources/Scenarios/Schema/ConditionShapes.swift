extension Shape {
  /// A metric with its bound, or a probe; with `more` keys beside it.
  static func expectation(with more: [Key] = []) -> [Shape] {
    func metrics(_ names: [Metric], _ bound: Shape) -> [Shape] {
      let metric = Key.must("metric", .choice(names.map(\.rawValue)), "a figure of the running system")
      return [
        .keys([metric, .must("max", bound, "at most"), .may("min", bound, "at least")] + more),
        .keys([metric, .must("min", bound, "at least")] + more),
      ]
    }
    let leader = Key.must("metric", .choice([Metric.leader.rawValue]), "a figure of the running system")
    return [.keys([.must("probe", .text, "a probe that passes")] + more)]
      + metrics([.writeErrorRate], .percentage) + metrics([.writeRate], .rate) + metrics([.mirrorLag], .duration)
      + metrics([.mirrorBacklog, .token, .events], .integer(0...Int64.max))
      + [
        .keys([leader, .must("is", .region, "who holds write authority")] + more),
        .keys([leader, .must("isNot", .region, "who does not")] + more),
      ]
  }

  /// How a condition holds over time: at most one of these keys.
  private static let quantifiers: [Key] = Quantifier.Kind.allCases.map {
    .may($0.rawValue, .duration, "how it holds over time")
  }

  static let conditions: [(name: String, shape: Shape)] = [
    ("expectation", .any(expectation())),
    (
      "condition",
      .any(
        expectation(with: quantifiers) + [
          .keys(
            [
              .must("fault", .text, "a fault's id"),
              .may("state", .words(Condition.FaultState.self), "ended", "what it has come to"),
            ] + quantifiers),
          .keys(
            [
              .must("step", .text, "a step's id"),
              .may("state", .words(Condition.StepState.self), "done", "what it has come to"),
            ] + quantifiers),
        ])
    ),
    ("abort", .any(expectation(with: [.must("for", .duration, "how long it may be broken")]))),
    (
      "steadyState",
      .keys([
        .must("for", .duration, "without a break, before anything is injected"),
        .must("expect", .list(.named("expectation")), "what must hold then"),
        .may("continuously", .list(.named("abort")), "what must hold all through"),
        .may(
          "after",
          .keys([
            .must("within", .duration, "the longest wait"),
            .must("expect", .list(.named("expectation")), "what must hold"),
          ]), "what must hold again after the recovery"),
      ])
    ),
  ]
}

extension ChecklistItem {
  /// The levels that the item takes.
  var levelKeys: [Shape.Key] {
    switch self {
    case .mirrorLagZero: [.may("within", .duration, "5m", "of the heal")]
    case .steadyStateRecovered: [.may("within", .duration, "recovery.within", "of the heal")]
    case .noAcknowledgedLoss: [.may("rpo", .duration, "how much may be missing at promotion")]
    case .electionWithinTTL: [.may("margin", .duration, "2s", "on top of the lease")]
    case .noDuplicates, .staleTokenRejected, .orderPerAggregate, .consumerProgress, .writeAuthorityStays,
      .offsetsTranslated, .noUnfencedSchemaChange, .outboxComplete:
      []
    }
  }
}
