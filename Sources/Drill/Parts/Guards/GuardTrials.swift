internal import Events

/// What was tried with guards, and what was seen in the registries behind them.
struct GuardTrials: Sendable {
  var attempts: [GuardAttemptRow] = []
  var schemas: [SchemaRow] = []

  /// A guard: whose, and before what.
  struct Guard: Sendable, Hashable {
    var store: String
    var surface: GuardAttemptRow.Surface
  }

  /// Those of `guards`, in words, of which nothing is known yet that the time before the faults is judged by: refusals without a token
  /// and with a stale one, and what a registry has.
  func untried(of guards: [Guard]) -> [String] {
    guards.filter { one in
      let refused = attempts.filter {
        $0.store == one.store && $0.surface == one.surface && !$0.isAround && $0.outcome == .refused
      }
      let isTried = Set(refused.map(\.presented)).isSuperset(of: [.none, .stale])
      let isSeen = one.surface == .admin || schemas.contains { $0.store == one.store }
      return !isTried || !isSeen
    }
    .map { "\($0.store)'s \($0.surface.rawValue) guard" }
  }
}
