extension Lineage {
  /// The answer to a question about an event.
  public enum Answer: Sendable, Hashable {
    /// The evidence shows it.
    case yes
    /// The evidence excludes it.
    case no
    /// The evidence does not say; what is missing.
    case unknown(String)
  }

  /// Whether anything at all is known of the event.
  public var isKnown: Bool { !attempts.isEmpty || !copies.isEmpty || !deliveries.isEmpty || !touches.isEmpty }

  /// Whether a write of it was tried.
  public var published: Answer {
    if !attempts.isEmpty { return .yes }
    return isKnown ? .unknown("the history has no write of it") : .no
  }

  /// Whether a store acknowledged it.
  public var acknowledged: Answer {
    if attempts.contains(where: { $0.end == .acknowledged }) { return .yes }
    if let open = attempts.first(where: { $0.end == .unknown }) {
      return .unknown("a write to \(open.store) ended with '\(open.code ?? "unknown")'")
    }
    return published == .yes ? .no : published
  }

  /// Whether a write of it was refused, as a stale token's is.
  public var refused: Answer { attempts.contains { $0.end == .refused } ? .yes : published == .yes ? .no : published }

  /// The stores that have the event, or that were seen to have it.
  public var stores: [String] {
    var stores: [String] = []
    for copy in copies where copy.inLog != false && !stores.contains(copy.store) { stores.append(copy.store) }
    return stores
  }

  /// Whether the event is in `store`.
  public func isIn(_ store: String) -> Answer {
    if stores.contains(store) { return .yes }
    return coverage.dumpedStores.contains(store) ? .no : .unknown("the log of \(store) was not dumped")
  }

  /// Whether the event is in a store other than the first that has it.
  public var replicated: Answer {
    if stores.count > 1 { return .yes }
    let others = coverage.dumpedStores.filter { !stores.contains($0) }
    return others.isEmpty ? .unknown("no other store's log was dumped") : .no
  }

  /// Whether a consumer worked on it.
  public var processed: Answer {
    if deliveries.contains(where: { $0.work != .unknown }) || effects.contains(where: { $0.times > 0 }) { return .yes }
    if !deliveries.isEmpty { return .unknown("a consumer's attempt has no known end") }
    return .no
  }

  /// Whether it took effect exactly once in every group that applied it.
  public var tookEffectOnce: Answer {
    if coverage.effects != nil {
      return effects.isEmpty ? .no : effects.allSatisfy { $0.times == 1 } ? .yes : .no
    }
    let applied = Dictionary(grouping: deliveries.filter { $0.work == .applied }) { [$0.group, $0.store] }
    if applied.values.contains(where: { $0.count > 1 }) { return .no }
    return .unknown("the groups' own tables were not dumped")
  }

  /// Whether reconciliation did something about it.
  public var reconciled: Answer {
    if !touches.isEmpty { return .yes }
    return coverage.reconciliation ? .no : .unknown("what reconciliation did was not recorded")
  }
}
