internal import Lab
internal import Stacks
internal import Support
internal import Synchronization
internal import Workload

/// What the control planes say, region by region, as they last said it.
final class AuthorityBoard: AuthoritySource {
  private struct State {
    var views: [String: AuthoritySeen] = [:]
    var changedAt: [String: Int64] = [:]
  }

  private let state = Mutex(State())

  func authority(in region: String) -> Authority {
    state.withLock { state in
      let view = state.views[region]
      return Authority(writer: view?.writer, token: view?.token)
    }
  }

  /// The region that most control planes take for the writer; `nil` when none does.
  var writer: (region: String, token: Int64)? {
    let claims = state.withLock { $0.views.values.compactMap { view in
      view.writer.flatMap { writer in view.token.map { (writer, $0) } }
    } }
    return claims.max { $0.1 < $1.1 }.map { (region: $0.0, token: $0.1) }
  }

  /// All views, by region.
  var views: [String: AuthoritySeen] { state.withLock(\.views) }

  /// Takes a view; returns whether it says anything new.
  func take(_ view: AuthoritySeen, at time: Int64) -> Bool {
    state.withLock { state in
      guard state.views[view.region] != view else { return false }
      state.views[view.region] = view
      state.changedAt[view.region] = time
      return true
    }
  }

  /// Follows one region's control plane and journals what changes, until cancelled.
  func follow(_ region: RegionHandle, journal: Journal, timebase: Timebase) async throws {
    guard let path = region.controlPlaneSocket else { return }
    let client = try ControlPlaneClient(path: path, name: "cp-\(region.name)")
    while !Task.isCancelled {
      let view: AuthoritySeen
      switch await client.next() {
      case .state(let said):
        view = AuthoritySeen(
          region: region.name, role: said.role.rawValue, ownToken: said.ownToken, writer: said.writerRegion,
          token: said.token, storeMode: said.storeMode?.rawValue, storeHighest: said.storeHighest,
          etcdLeader: said.etcdLeader, etcdReachable: said.etcdReachable)
      case .silent:
        view = AuthoritySeen(
          region: region.name, role: "silent", ownToken: nil, writer: nil, token: nil, storeMode: nil,
          storeHighest: nil, etcdLeader: nil, etcdReachable: false)
      }
      if take(view, at: timebase.monotonic()) { try await journal.record(view) }
    }
  }
}
