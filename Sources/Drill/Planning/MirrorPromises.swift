internal import Lab
internal import Scenarios
internal import Stacks
internal import Support

extension Scenario {
  /// Checks what clients of standing clusters are told by names that librdkafka knows. How their mirrors are set up is found out when
  /// they are looked at.
  ///
  /// - Throws: ``Problems`` (usage) with every property that is none.
  private func checkAttachedProperties() throws(Problems) {
    let problems = attachedClusters.flatMap { cluster in
      cluster.properties.unknown().map { unknown in
        Problem(
          .usage, at: "stack.attach.clusters.\(cluster.name).properties",
          "librdkafka has no property '\(unknown.name)'; nothing was touched",
          fix: unknown.near.map { "did you mean '\($0)'?" } ?? "CONFIGURATION.md of librdkafka lists all of them")
      }
    }
    guard problems.isEmpty else { throw Problems(problems) }
  }

  /// The lab that the scenario asks for.
  ///
  /// - Parameter topics: what Kafka carries, where the stack has it.
  func lab(id: String, carrying topics: [KafkaTopicSpecification]?) -> LabSpecification {
    let plain = LabSpecification(
      id: id,
      regions: topology.regions.map { region in
        RegionSpecification(
          region.name, Set(region.roles.compactMap { RegionRole(rawValue: $0.rawValue) }),
          clocks: region.clocks?.timeOffsets)
      }, preferredWriter: primary, leaseTTLSeconds: Int(stack.leaseTTL.components.seconds))
    guard stack.kind == .kafka else { return plain }
    let mirroring = stack.mirroring ?? KafkaMirroring()
    var settings = KafkaLabSettings(
      exactlyOnce: mirroring.delivery == .exactlyOnce, offsetFlushMilliseconds: mirroring.positionsEvery.milliseconds,
      transactionTimeoutMilliseconds: mirroring.transactionTimeout.milliseconds, abortedBeforehand: 100)
    if let topics { settings.topics = topics }
    if let outbox = stack.outbox {
      settings.topics = [
        KafkaTopicSpecification(OutboxLabSettings.topic, partitions: outbox.partitions),
        KafkaTopicSpecification(OutboxLabSettings.barriers, partitions: 1),
      ]
      settings.outbox = OutboxLabSettings(keepsRows: outbox.rows == .kept)
      settings.abortedBeforehand = 0
      return plain.with(settings)
    }
    settings.hasAdminGuard = stack.isGuarded(.admin)
    return stack.isGuarded(.registry) ? plain.with(settings).withRegistries() : plain.with(settings)
  }

  /// How long after the end of the last fault the mirrors may take to have caught up.
  private var catchUp: Duration {
    checklist.first { $0.item == .mirrorLagZero }?.within ?? recovery.within
  }

  /// Whether a fault may end a mirror's worker in the middle of a transaction.
  private var endsMirrors: Bool {
    schedule().entries.contains { timed in
      guard case .process(let process) = timed.entry.fault, process.action.endsProcesses else { return false }
      if case .role(let server) = process.processes { return server == .mirror || server == .all }
      return true
    }
  }

  /// Checks the configuration that the lab will give its mirrors against what the scenario promises of them.
  ///
  /// - Throws: ``Problems`` (usage) with every promise that the configuration makes impossible.
  func checkMirrors() throws(Problems) {
    guard stack.attach == nil else { return try checkAttachedProperties() }
    let specification = lab(id: "plan", carrying: nil)
    let links = specification.mirrorLinks()
    var lint = MirrorLint(connectors: [:], objectives: MirrorObjectives(recoveryTime: endsMirrors ? catchUp : nil))
    for link in links {
      lint.brokers[link.source.alias] = 1
      for part in KafkaMirrorLink.Part.allCases { lint.connectors[link.name(part)] = link.configuration(part) }
      let worker = specification.worker(
        of: link.target.alias, address: "127.0.0.1", bootstrap: link.target.bootstrap)
      lint.workers[link.target.alias] = worker?.properties
    }
    let errors = lint.findings().filter { $0.severity == .error }
    guard errors.isEmpty else {
      throw Problems(
        errors.map { finding in
          Problem(
            .usage, at: finding.place, "\(finding.text) (\(finding.rule.rawValue)); nothing was touched",
            fix: finding.rule == .transactionTimeout
              ? "lower stack.mirror.transactionTimeout, or allow the item mirror-lag-zero more time" : nil)
        })
    }
  }
}
