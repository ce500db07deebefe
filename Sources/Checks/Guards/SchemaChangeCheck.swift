internal import Events

/// Checklist item `no-unfenced-schema-change` (domain 74, 75): no registry changed but by what its guard let pass.
///
/// The subjects and versions of every registry are compared look by look, from before the faults to after the heal. Each version
/// that is new must have a request behind it that the guard's own log says it let pass, each that is gone a deletion; whether the
/// guard was right to let it pass is `stale-token-rejected`'s to judge. And an attempt of the drill's own that came past a guard
/// and was carried out is a violation by itself.
///
/// It must have been tried: through the guard without the current token, and around it, in every phase. A registry that nobody
/// attacked has refused nothing.
struct SchemaChangeCheck: Check {
  init(_ facts: Facts) {}

  mutating func take(_ operation: Operation) {}

  func judge(_ facts: Facts) -> Judgement {
    var result = Judgement()
    let surfaces = facts.surfaces(.registry)
    if surfaces.isEmpty { result.missing.append("a schema registry with a guard: the stack has none") }
    guard let phases = TrialPhases(facts) else {
      result.missing.append("the time of the faults and of the heal")
      return result
    }
    var trials = 0
    var versions = 0
    var ends: [String: Set<Version>] = [:]
    for surface in surfaces {
      let attempts = facts.attempts(on: surface)
      result.findings += attempts.filter { $0.isAround && $0.outcome == .accepted }.map(bypass)
      trials += requireTrials(of: surface, attempts, phases, &result)
      let looks = looks(into: surface.store, facts)
      requireLooks(into: surface.store, looks, phases, &result)
      judgeLooks(looks, of: surface, facts, attempts, &result)
      versions += looks.last?.versions.count ?? 0
      ends[surface.store] = looks.last?.versions ?? []
    }
    result.failure =
      "\(counted(result.findings.count, "schema change")) past a guard: \(result.findings.first?.what ?? "")"
    result.trials = Count("attempts to change a schema without the current token", trials)
    result.coverage = Coverage(
      "\(counted(versions, "version")) in \(counted(surfaces.count, "registry", "registries")), each let pass by a guard; "
        + "\(counted(trials, "attempt")) without the current token or past a guard came to nothing",
      counts: [Count("attempts that came to nothing", trials), Count("versions at the end", versions)],
      notes: divergence(ends))
    return result
  }

  // MARK: What the registries have

  private struct Version: Hashable {
    var subject: String
    var version: Int
    var fingerprint: String
  }

  private struct Look {
    var time: Int64
    var versions: Set<Version>
  }

  private func looks(into store: String, _ facts: Facts) -> [Look] {
    let rows = (facts.truth.schemas ?? []).filter { $0.store == store }
    return Dictionary(grouping: rows, by: \.observed).map { time, rows in
      Look(
        time: time,
        versions: Set(rows.map { Version(subject: $0.subject, version: $0.version, fingerprint: $0.fingerprint) }))
    }.sorted { $0.time < $1.time }
  }

  private func requireLooks(into store: String, _ looks: [Look], _ phases: TrialPhases, _ result: inout Judgement) {
    for phase in TrialPhase.allCases where !looks.contains(where: { phases.phase($0.time, $0.time) == phase }) {
      result.missing.append("the subjects and versions of \(store)'s registry \(phase.rawValue)")
    }
  }

  private func judgeLooks(
    _ looks: [Look], of surface: GuardSurface, _ facts: Facts, _ attempts: [GuardAttemptRow], _ result: inout Judgement
  ) {
    guard let first = looks.first else { return }
    // Each decision stands behind one change at most.
    var permits = facts.decisions(of: surface).filter { $0.isAllowed && $0.observed >= first.time - 1_000_000_000 }
    var known = first.versions
    // What came past the guard is convicted already, and takes no decision from anybody.
    let bypassed = Set(attempts.filter { $0.isAround && $0.outcome == .accepted }.compactMap(\.fingerprint))
    for look in looks.dropFirst() {
      for version in look.versions.subtracting(known).sorted(by: inOrder) where !bypassed.contains(version.fingerprint)
      {
        if take("POST", version.subject, until: look.time, from: &permits) { continue }
        result.findings.append(
          change(
            "has version \(version.version) of \(version.subject), which its guard let nobody register", look, surface))
      }
      for version in known.subtracting(look.versions).sorted(by: inOrder) {
        if take("DELETE", version.subject, until: look.time, from: &permits) { continue }
        result.findings.append(
          change(
            "lost version \(version.version) of \(version.subject), which its guard let nobody delete", look, surface))
      }
      known = look.versions
    }
  }

  private func inOrder(_ one: Version, _ other: Version) -> Bool {
    (one.subject, one.version, one.fingerprint) < (other.subject, other.version, other.fingerprint)
  }

  private func take(
    _ method: String, _ subject: String, until time: Int64, from permits: inout [GuardDecisionRow]
  ) -> Bool {
    let place = permits.firstIndex { decision in
      let words = decision.asked.split(separator: " ")
      guard words.count > 1, words[0] == method, decision.observed <= time else { return false }
      // The whole name: `orders` is not `orders-eu`.
      let parts = words[1].prefix { $0 != "?" }.split(separator: "/")
      return zip(parts, parts.dropFirst()).contains { $0 == "subjects" && $1 == subject }
    }
    guard let place else { return false }
    permits.remove(at: place)
    return true
  }

  private func change(_ what: String, _ look: Look, _ surface: GuardSurface) -> Finding {
    Finding("schema-change", "\(surface.store)'s registry \(what)", store: surface.store, times: [look.time])
  }

  private func bypass(_ attempt: GuardAttemptRow) -> Finding {
    Finding(
      "schema-change",
      "\(attempt.store)'s registry took a schema for \(attempt.target) past its guard, from \(attempt.from) "
        + (attempt.token.map { "with token \($0)" } ?? "without a token"), store: attempt.store,
      tokens: attempt.token.map { [$0] } ?? [], times: [attempt.invoked, attempt.completed])
  }

  // MARK: What was tried

  private func requireTrials(
    of surface: GuardSurface, _ attempts: [GuardAttemptRow], _ phases: TrialPhases, _ result: inout Judgement
  ) -> Int {
    var total = 0
    for phase in TrialPhase.allCases {
      let tried = attempts.filter { phases.phase($0.invoked, $0.completed) == phase && $0.presented != .current }
      let through = tried.count { !$0.isAround && $0.outcome == .refused }
      let around = tried.count { $0.isAround && $0.outcome == .notDone }
      total += through + around
      if through == 0 {
        result.missing.append(
          "an attempt to register a schema without the current token that \(surface) refused \(phase.rawValue)")
      }
      if !tried.contains(where: { $0.isAround && $0.outcome != .unknown }) {
        result.missing.append("an attempt past \(surface) \(phase.rawValue) of which the outcome is known")
      }
    }
    return total
  }

  /// Registries of one system that differ: legal while the leader cannot reach one of them, and good to know.
  private func divergence(_ ends: [String: Set<Version>]) -> [String] {
    let stores = ends.keys.sorted()
    return stores.enumerated().flatMap { place, one in
      stores.dropFirst(place + 1).compactMap { other in
        let differing = (ends[one] ?? []).symmetricDifference(ends[other] ?? [])
        let names = Set(differing.map { "\($0.subject) version \($0.version)" })
        return names.isEmpty ? nil : "\(one) and \(other) differ in \(names.sorted().prefix(5).joined(separator: ", "))"
      }
    }
  }
}
