internal import Events
internal import Lab
internal import Scenarios
internal import Stacks
internal import Support
internal import Synchronization
internal import Workload

/// Tries all through a drill to administer what guards stand before: with the current token, with stale ones, with one that was
/// never granted and with none; through the guards, and around them. And looks again and again at what the registries have.
///
/// Each attempt would make something of its own, so that what was made tells which attempt made it.
final class GuardProber: Sendable {
  let run: DrillRun
  let regions: [SiteRegion]
  private let trials = Mutex(GuardTrials())
  /// Ends all of it after the attempts in flight.
  let stop = StopSignal()

  private static let interval = Duration.seconds(1)
  /// Of a call; a guard that etcd does not answer needs about a second to say so.
  static let limit = Duration.seconds(2)
  /// In every which round the current token is used as well.
  static let currentEvery = 4

  init(run: DrillRun, site: Site) {
    self.run = run
    regions = site.regions.filter { $0.registryEndpoint != nil || $0.behindGuards?.kafka != nil }
  }

  /// What was tried and seen so far.
  var tried: GuardTrials { trials.withLock { $0 } }
  /// What was tried so far.
  var attempts: [GuardAttemptRow] { trials.withLock(\.attempts) }
  /// What was seen in the registries so far, look by look.
  var schemas: [SchemaRow] { trials.withLock(\.schemas) }

  /// The guards of which nothing is known yet that the time before the faults is judged by, in words.
  var untried: [String] {
    tried.untried(
      of: regions.flatMap { region in
        GuardAttemptRow.Surface.allCases.compactMap { surface in
          let isThere = surface == .registry ? region.registryEndpoint != nil : region.behindGuards?.kafka != nil
          return isThere ? .init(store: region.name, surface: surface) : nil
        }
      })
  }

  func start(in group: inout ThrowingTaskGroup<Void, any Error>) {
    for region in regions {
      if region.registryEndpoint != nil {
        group.addTask(name: "attempts at \(region.name)'s registry") { try await self.tryRegistry(of: region) }
      }
      if region.behindGuards?.kafka != nil {
        group.addTask(name: "attempts at \(region.name)'s administration") {
          try await self.tryAdministration(of: region)
        }
      }
    }
  }

  // MARK: Tokens

  /// The tokens of a round that are not the current one: those of earlier reigns in turn, a smaller one that was never granted, by
  /// number alone or also as text, which stands for the former before there are any; and one that nobody has.
  ///
  /// - Parameter earlier: the tokens of earlier reigns, ascending.
  static func wrongTokens(
    _ current: Int64, earlier: [Int64], round: Int
  ) -> [(GuardAttemptRow.Presented, Int64?)] {
    // 9 is below 12, but above it as text.
    let digits = "\(current)".count
    let shorter = digits > 1 ? Int64(String(repeating: "9", count: digits - 1)) ?? current - 1 : current - 1
    let smaller = round.isMultiple(of: 2) ? current - 1 : shorter
    let below: [(GuardAttemptRow.Presented, Int64?)] =
      earlier.isEmpty
      ? [(.stale, smaller)]
      // The reign before this one as often as all those before it.
      : [(.stale, round.isMultiple(of: 2) ? earlier.last : earlier[round / 2 % earlier.count])]
        + (earlier.contains(smaller) ? [] : [(.invented, smaller)])
    return [(.none, nil)] + below + [(.inflated, current + 1_000_000)]
  }

  func wrongTokens(_ current: Int64, round: Int) -> [(GuardAttemptRow.Presented, Int64?)] {
    Self.wrongTokens(current, earlier: run.board.grants.keys.filter { $0 < current }.sorted(), round: round)
  }

  /// A round after the other until all is to end, as long as somebody holds write authority.
  func rounds(_ body: (_ round: Int, _ current: Int64) async throws -> Void) async throws {
    var round = 0
    var due = run.timebase.monotonic()
    while !stop.isRequested {
      if let current = run.board.writer?.token { try await body(round, current) }
      round += 1
      due = max(due + Self.interval.nanoseconds, run.timebase.monotonic())
      try await run.clock.sleep(for: .nanoseconds(max(0, due - run.timebase.monotonic())))
    }
  }

  func note(_ attempt: GuardAttemptRow) { trials.withLock { $0.attempts.append(attempt) } }

  func note(_ seen: [SchemaRow]) { trials.withLock { $0.schemas += seen } }
}
