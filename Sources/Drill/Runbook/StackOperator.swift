internal import Lab
internal import Netlink
internal import Scenarios
internal import Stacks
internal import Support
internal import Synchronization
internal import Workload

/// Does what the steps of a runbook say, on the real parts of the lab. Each verb returns what it found, in words, once the
/// servers themselves have confirmed it.
final class StackOperator: Sendable {
  let run: DrillRun
  let site: Site
  /// What keeps the events.
  let stack: any EventStack
  let secrets: Secrets
  /// Regions that were fenced and not promoted since: they stay down whatever else is told to stand by.
  private let fenced = Mutex<Set<String>>([])

  init(run: DrillRun, site: Site) {
    self.run = run
    self.site = site
    stack = run.eventStack(of: site)
    secrets = Secrets(run.scenario.secrets)
  }

  /// Does `action` for the step of this id.
  ///
  /// - Parameter isUndo: whether it takes a step back: clients are then told, and not waited for, since what they are sent
  ///   back to may be what was lost.
  /// - Throws: ``StepFailure`` when it cannot be done, `CancellationError`, or the error of a server.
  func perform(_ action: RunbookAction, for step: String, isUndo: Bool = false) async throws -> String {
    switch action {
    case .pauseMirror(let link): try await stack.pauseMirror(link)
    case .resumeMirror(let link): try await stack.resumeMirror(link)
    case .fenceRegion(let region): try await fence(region.region)
    case .promote(let region): try await promote(region.region)
    case .demote(let region): try await demote(region.region)
    case .transferLeadership(let region): try await transfer(to: region.region)
    case .repointProducers(let move): try await repoint(move, waits: !isUndo)
    case .pauseProducers(let members): setProducersPaused(true, members)
    case .resumeProducers(let members): setProducersPaused(false, members)
    case .pauseConsumers(let members): try await setConsumersPaused(true, members)
    case .resumeConsumers(let members): try await setConsumersPaused(false, members)
    case .exportOffsets(let offsets): try await export(offsets)
    case .importOffsets(let offsets): try await importOffsets(offsets)
    case .verifyParity(let parity): try await verifyParity(parity)
    case .reconcile(let parity): try await reconcile(parity, step)
    case .shiftTraffic(let shift): try await self.shift(shift, step)
    case .repointOutbox(let move): try await repointOutbox(move)
    case .reEmitOutbox(let place): try await reEmitOutbox(of: place.region)
    case .command(let call): try await command(call, step)
    case .http(let call): try await http(call)
    case .approval(let approval):
      try await Approver(run: run).ask(approval.prompt, by: .person(approval.by), step: step)
    case .wait(let pause): try await wait(pause.duration)
    case .kafka(let action): try await perform(action)
    }
  }

  private func wait(_ duration: Duration) async throws -> String {
    try await run.clock.sleep(for: duration)
    return "waited \(duration.text)"
  }

  // MARK: authority

  private var storeRegions: [SiteRegion] { site.regions.filter { $0.store != nil } }

  private func give(_ order: ControlPlaneOrder, to region: String) async throws {
    guard let path = site.region(region)?.controlPlaneSocket else {
      throw StepFailure("\(region) has no control plane")
    }
    try await Stacks.give(order, to: path)
  }

  /// Switches automatic takeovers off: only `region` may hold write authority until somebody is promoted.
  func holdAuthority(in region: String) async throws {
    for other in storeRegions where other.name != region { try await give(.standDown, to: other.name) }
  }

  private func fence(_ region: String) async throws -> String {
    fenced.withLock { _ = $0.insert(region) }
    try await give(.standDown, to: region)
    let found = try await run.withStore(region, in: site) { store in
      let deadline = self.run.timebase.monotonic() + 3_000_000_000
      try await self.run.until {
        let fence = try await store.fence()
        if fence.mode == .readOnly { return true }
        // A control plane that does not do it is done without: the store is the fence.
        guard self.run.timebase.monotonic() > deadline else { return false }
        return try await store.demote(token: fence.token, holder: fence.holder).mode == .readOnly
      }
      var fence = try await store.fence()
      // Where somebody rules already under a later token, the store learns of it now and not when its control plane comes by.
      // Its own token is the latest otherwise: the next one that is granted is higher, and until then nobody may write.
      if let reign = self.run.board.writer, reign.region != region, reign.token > fence.token {
        fence = try await store.adopt(token: reign.token, holder: reign.region)
      }
      guard fence.mode == .readOnly else { throw StepFailure("the store of \(region) is \(fence.mode.rawValue) still") }
      return "the store of \(region) refuses all writers, its highest token is \(fence.token) of \(fence.holder)"
    }
    try await run.until { try await stack.isClosed(region) }
    return found
  }

  private func promote(_ region: String) async throws -> String {
    fenced.withLock { _ = $0.remove(region) }
    try await give(.standBy, to: region)
    return try await awaitReign(of: region)
  }

  private func transfer(to region: String) async throws -> String {
    fenced.withLock { _ = $0.remove(region) }
    try await give(.standBy, to: region)
    try await holdAuthority(in: region)
    let found = try await awaitReign(of: region)
    guard !run.isManual else { return found }
    // The others take over by themselves again should this one be lost.
    for other in storeRegions where other.name != region && !fenced.withLock({ $0.contains(other.name) }) {
      try await give(.standBy, to: other.name)
    }
    return found
  }

  private func demote(_ region: String) async throws -> String {
    for other in storeRegions { try await give(.standDown, to: other.name) }
    try await run.until { !run.board.views.values.contains { $0.role == "writer" } }
    for region in storeRegions { try await run.until { try await stack.isClosed(region.name) } }
    return "nobody holds write authority"
  }

  private func awaitReign(of region: String) async throws -> String {
    try await run.until {
      let own = run.board.views[region]
      guard own?.role == "writer", own?.storeMode == "rw", let reign = run.board.writer, reign.region == region else {
        return false
      }
      return try await stack.isOpen(region, to: reign.token)
    }
    return "\(region) is writer with token \(run.board.writer?.token ?? 0)"
  }

  // MARK: clients

  private func repoint(_ move: ProducerMove, waits: Bool) async throws -> String {
    let workers = run.workers(of: move.names)
    let before = run.counters.byRegion
    let begun = run.timebase.monotonic()
    run.traffic.changeProducers(move.names) { orders in
      orders.store = move.to
      orders.share = 1
    }
    guard waits else { return "\(workers.count) producers are sent to \(move.to)" }
    let token = run.board.writer?.token ?? 0
    var left = workers
    let deadline = begun + 15_000_000_000
    while run.timebase.monotonic() < deadline {
      left = workers.intersection(run.counters.producersBehind(token: token, in: move.to))
      if left.isEmpty { break }
      try await run.clock.sleep(for: .milliseconds(50))
    }
    let took = run.timebase.monotonic() - begun
    let after = run.counters.byRegion
    func difference(_ field: KeyPath<WorkloadCounters.Totals, UInt64>) -> Int64 {
      Int64(
        clamping: after.values.reduce(0) { $0 + $1[keyPath: field] }
          - before.values.reduce(0) { $0 + $1[keyPath: field] })
    }
    let (failed, unknown) = (difference(\.failed), difference(\.unknown))
    let what =
      "\(workers.count - left.count) of \(workers.count) producers acknowledged in \(move.to) after "
      + "\(Duration.nanoseconds(took).brief); meanwhile \(failed) writes refused, \(unknown) unknown"
    try await run.journal.record(
      FactNoted(
        fact: "producers' switch", what: what,
        figures: [
          "workers": Int64(workers.count), "left": Int64(left.count), "took": took, "failed": failed,
          "unknown": unknown,
        ]))
    guard left.isEmpty else { throw StepFailure("producers did not switch: \(what)") }
    return what
  }

  private func setProducersPaused(_ isPaused: Bool, _ members: Members) -> String {
    run.traffic.changeProducers(members.names) { $0.isPaused = isPaused }
    return "\(members.text("producers")) \(isPaused ? "held back" : "go on")"
  }

  private func setConsumersPaused(_ isPaused: Bool, _ members: Members) async throws -> String {
    let groups = members.names.isEmpty ? run.scenario.workload.consumers.map(\.name) : members.names
    run.traffic.setPaused(isPaused, groups: groups)
    // A step of theirs that is under way takes at most a second.
    if isPaused { try await run.clock.sleep(for: .milliseconds(1200)) }
    return "\(members.text("consumers")) \(isPaused ? "held back" : "go on")"
  }

  // MARK: other parties

  private func command(_ call: CommandCall, _ step: String) async throws -> String {
    let words = try call.argv.map { try secrets.fill($0) }
    let namespace = try site.networkNamespace(of: call.region)
    // The step's own time ends it.
    let result = try await runProgram(
      words, output: "\(run.request.directory.logs)/step-\(step).out", networkNamespace: namespace,
      within: .seconds(86_400), clock: run.clock)
    guard result.end == .exited(0) else {
      let said = result.output.split(separator: "\n").last.map { ": \($0.prefix(200))" } ?? ""
      throw StepFailure("\(call.argv.first?.text ?? "the program") \(result.end)\(said)")
    }
    return "\(call.argv.first?.text ?? "the program") \(result.end)"
  }

  private func http(_ call: HTTPCall) async throws -> String {
    let request = HTTPRequest(
      method: call.method.rawValue, url: try secrets.fill(call.url),
      headers: try call.headers.map { ($0.name, try secrets.fill($0.value)) },
      body: try call.body.map { Array(try secrets.fill($0).utf8) })
    switch try await sendHTTP(request, within: .seconds(10)) {
    case .answered(let status, _) where status < 400: return "status \(status)"
    case .answered(let status, _): throw StepFailure("status \(status)")
    case .failed(let why): throw StepFailure(why)
    }
  }
}

/// Why a step could not be done.
struct StepFailure: Error, Sendable, Hashable, CustomStringConvertible {
  var description: String

  init(_ why: String) { description = why }
}

extension Members {
  fileprivate func text(_ kind: String) -> String {
    names.isEmpty ? "all \(kind)" : "\(kind) \(names.joined(separator: ", "))"
  }
}
