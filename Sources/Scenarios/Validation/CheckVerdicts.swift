internal import Support

// Verdicts that could never be had: service levels that the configuration makes impossible, items that nothing feeds.
extension Checking {
  /// A fault that ends before the lease cannot show a failover.
  mutating func checkFailover() {
    let ttl = scenario.stack.leaseTTL
    let longest = scenario.stack.longestLease
    for index in cutsOfPrimary {
      let hold = entries[index].entry.stop.longest
      let path = "\(entries[index].path).for"
      if hold <= ttl {
        error(
          path,
          "the cut of '\(scenario.primary)' ends after \(hold.text), its lease lives \(ttl.text): it renews the"
            + " lease before anyone else can be elected, and no failover happens",
          fix: "hold it longer than \(longest.text) (2 × ttl), or shorten stack.lease.ttl")
      } else if hold <= longest {
        warning(
          path,
          "the cut lasts \(hold.text); when etcd's own leader sits in '\(scenario.primary)' the lease lives up to"
            + " \(longest.text) (2 × ttl), and then no failover happens", fix: "hold it longer than \(longest.text)")
      }
    }
  }

  mutating func checkChecklist() {
    if scenario.checklist.isEmpty {
      error("checklist", "nothing is judged: the run would have no verdict", fix: "add an item")
    }
    unique(scenario.checklist.map(\.item.rawValue), "the item", fix: "leave one of the two out") {
      "checklist[\($0)].item"
    }
    for (index, entry) in scenario.checklist.enumerated() {
      let path = "checklist[\(index)]"
      checkEvidence(for: entry, at: path)
      checkLevel(of: entry, at: path)
    }
  }

  private mutating func checkEvidence(for entry: ChecklistEntry, at path: String) {
    let workload = scenario.workload
    if entry.item.needsWorkload, !scenario.stack.kind.isDriven {
      error(
        "\(path).item",
        "it is judged by what our own workload wrote, and nobody of ours writes to an external system: the verdict could "
          + "only be INCONCLUSIVE", fix: "judge its probes: item: steady-state-recovered")
      return
    }
    switch entry.item {
    case .staleTokenRejected where workload.oldLeader == nil && scenario.stack.guards?.isEmpty == false:
      break  // judged by the guards alone, and those are tried whoever writes
    case .noUnfencedSchemaChange where !scenario.stack.isGuarded(.registry):
      error(
        "\(path).item", "there is no schema registry, so the verdict could only be INCONCLUSIVE",
        fix: "add stack.guards: [registry]")
    case .outboxComplete where scenario.stack.outbox == nil:
      error(
        "\(path).item", "the store has no outbox, so the verdict could only be INCONCLUSIVE",
        fix: "add stack.outbox: {}")
    case .staleTokenRejected where workload.oldLeader == nil:
      error(
        "\(path).item", "nobody tries a stale token, so the verdict could only be INCONCLUSIVE",
        fix: "add workload.oldLeader: { region: \(scenario.ownership.first?.normal ?? "…"), rate: 5/s }")
    case .consumerProgress where workload.consumers.isEmpty:
      error(
        "\(path).item", "there is no consumer, so the verdict could only be INCONCLUSIVE", fix: "add workload.consumers"
      )
    case .electionWithinTTL, .staleTokenRejected:
      if !scenario.timeline.isEmpty, !scenario.ownership.isEmpty, !cutsPrimary {
        if cutsPortsOfPrimary {
          note(
            "\(path).item",
            "whether write authority moves depends on what the ports carry that are cut; if it does not, the verdict is"
              + " VACUOUS")
        } else {
          warning(
            "\(path).item",
            "no fault cuts '\(scenario.primary)' off from the quorum, so write authority never moves and the"
              + " verdict would be VACUOUS")
        }
      }
    case .writeAuthorityStays: checkNothingMoves(at: "\(path).item")
    case .offsetsTranslated where !scenario.stack.hasEventsInKafka:
      warning(
        "\(path).item", "the mirrors of this stack carry rows and translate no offsets, so the verdict would be VACUOUS"
      )
    case .mirrorLagZero, .noDuplicates, .noAcknowledgedLoss, .orderPerAggregate, .consumerProgress, .offsetsTranslated,
      .noUnfencedSchemaChange, .outboxComplete, .steadyStateRecovered:
      break
    }
  }

  /// What must not move must not be moved on purpose.
  private mutating func checkNothingMoves(at path: String) {
    if cutsPrimary {
      error(
        path, "a fault takes write authority away from '\(scenario.primary)', so this item could only FAIL",
        fix: "leave the item out, or the fault")
    }
    let moves: Set<RunbookAction.Verb> = [.promote, .demote, .transferLeadership, .fenceRegion]
    if let step = scenario.steps.first(where: { moves.contains($0.action.verb) }) {
      error(
        path, "step '\(step.id)' moves write authority, so this item could only FAIL", fix: "leave one of the two out")
    }
  }

  /// A stack has guards only where there is something that needs them, each once.
  mutating func checkGuards() {
    guard let guards = scenario.stack.guards else { return }
    unique(guards.map(\.rawValue), "the guard", fix: "leave one of the two out") { "stack.guards[\($0)]" }
    if scenario.stack.kind != .kafka, !guards.isEmpty {
      error(
        "stack.guards", "\(scenario.stack.kind.rawValue) has no Kafka and no schema registry to guard",
        fix: "leave it out, or say kind: kafka")
    }
  }

  /// An outbox is one of the event store, whose events are then not Kafka's own.
  mutating func checkOutbox() {
    guard scenario.stack.outbox != nil else { return }
    let others: [(key: String, isThere: Bool)] = [
      ("topic", scenario.stack.topic != nil), ("guards", scenario.stack.guards?.isEmpty == false),
    ]
    for other in others where other.isThere {
      error(
        "stack.\(other.key)", "with stack.outbox events are the store's, and Kafka only has what is carried there",
        fix: "leave one of the two out")
    }
  }

  mutating func checkPermissions() {
    let permitted = scenario.permittedAnomalies ?? []
    unique(permitted.map(\.anomaly), "the anomaly", fix: "leave one of the two out") {
      "permittedAnomalies[\($0)].anomaly"
    }
  }

  /// Whether some ports of the owner of the writes are cut, which may be those of the quorum.
  private var cutsPortsOfPrimary: Bool {
    entries.contains { timed in
      guard case .partition(let link, _, _) = timed.entry.fault, link.scope != .all || link.isNarrow else {
        return false
      }
      let ends = link.ends(in: scenario.topology)
      guard link.scope != .all || ends.regions != ends.wholeRegions else { return false }
      let peers = ends.regions
      return link.region == scenario.primary || peers.contains(scenario.primary)
    }
  }

  private mutating func checkLevel(of entry: ChecklistEntry, at path: String) {
    let freshness = scenario.stack.mirrorFreshness
    if let within = entry.within, entry.item == .steadyStateRecovered {
      if within > scenario.recovery.within {
        note(
          "\(path).within",
          "the run waits recovery.within of \(scenario.recovery.within.text) only; a system that takes longer is not given"
            + " the rest of its \(within.text)")
      }
    } else if let within = entry.within {
      if within < freshness {
        error(
          "\(path).within",
          "\(within.text) is impossible: a mirror counts as caught up when its freshness is below"
            + " stack.mirror.freshness of \(freshness.text), which takes as long to see",
          fix: "at least \(freshness.text)")
      } else if within > scenario.recovery.within {
        note(
          "\(path).within",
          "the run waits recovery.within of \(scenario.recovery.within.text) only; a slower mirror is not given"
            + " the rest of its \(within.text)")
      }
    }
    if let rpo = entry.rpo { checkRecoveryPoint(rpo, at: "\(path).rpo") }
  }

  private mutating func checkRecoveryPoint(_ rpo: Duration, at path: String) {
    let freshness = scenario.stack.mirrorFreshness
    let ttl = scenario.stack.leaseTTL
    if rpo < freshness {
      error(
        path,
        "\(rpo.text) is impossible: the mirror may be stack.mirror.freshness = \(freshness.text) behind at any time,"
          + " so that much may be missing at promotion", fix: "at least \(freshness.text)")
    } else if cutsPrimary, rpo < freshness + ttl {
      let sum = freshness + ttl
      warning(
        path,
        "\(rpo.text) may be broken by design: a cut-off '\(scenario.primary)' goes on acknowledging writes until its"
          + " lease runs out, \(freshness.text) of mirror lag + \(ttl.text) of lease = \(sum.text)",
        fix: "allow \(sum.text), or shorten the lease")
    }
    for (index, expectation) in scenario.steadyState.expect.enumerated() {
      if case .mirrorLag(let limits) = expectation, let max = limits.max, max > rpo {
        warning(
          "steadyState.expect[\(index)].max",
          "accepts a mirror lag of \(max.text), which alone is more than the rpo of"
            + " \(rpo.text)", fix: "at most \(rpo.text)")
      }
    }
  }
}
