internal import Events
internal import Guards
internal import Lab
internal import Scenarios
internal import Support

/// Evidence about guards: what was tried, what the guards say that they decided, and what the registries had.
extension DrillRun {
  func dumpGuardTruth(_ site: Site, _ prober: GuardProber) async throws {
    guard let lab = site.lab else { return }  // guards are parts of a lab
    for region in site.regions {
      var decisions: [GuardDecisionRow] = []
      var logs: [String] = []
      for (surface, kind) in [(GuardAttemptRow.Surface.registry, ServerKind.registryGuard), (.admin, .adminGuard)]
      where lab.servers.contains(where: { $0.region == region.name && $0.kind == kind }) {
        let path = lab.guardDecisions(of: region.name, kind)
        let (read, damaged) = try GuardDecision.read(path)
        logs.append(damaged == 0 ? path : "\(path), less \(damaged) damaged lines")
        decisions += read.map {
          GuardDecisionRow(
            store: region.name, surface: surface, asked: $0.asked, token: $0.token, isAllowed: $0.isAllowed,
            rule: $0.rule.rawValue, current: $0.current, observed: $0.monotonic)
        }
      }
      guard !logs.isEmpty else { continue }
      try await write(
        decisions, store: region.name, source: logs.joined(separator: ", "), as: DumpKind.guardDecisions.rawValue)
      try await write(
        prober.attempts.filter { $0.store == region.name }, store: region.name, source: "the drill's own attempts",
        as: DumpKind.guardAttempts.rawValue)
      guard region.registryEndpoint != nil else { continue }
      try await write(
        prober.schemas.filter { $0.store == region.name }, store: region.name,
        source: "the registry, asked again and again", as: DumpKind.schemas.rawValue)
    }
  }
}
