internal import Lab
internal import Stacks
internal import Support
internal import Synchronization
internal import Workload

/// What the control planes say, region by region, as they last said it.
final class AuthorityBoard: AuthoritySource {
  private struct State {
    var views: [String: AuthoritySeen] = [:]
    var grants: [Int64: (holder: String, at: Int64)] = [:]
    var fences: [Fence: Int64] = [:]
  }

  /// One state of a store's fence.
  struct Fence: Hashable {
    var store: String
    var token: Int64
    var mode: String
  }

  private let state = Mutex(State())
  private let timebase: Timebase
  /// Regions whose control planes may go by another monotonic clock than ours: only when we read a word of theirs counts.
  private let distrusted: Set<String>

  init(timebase: Timebase, distrusted: Set<String> = []) {
    self.timebase = timebase
    self.distrusted = distrusted
  }

  func authority(in region: String) -> Authority {
    state.withLock { state in
      let view = state.views[region]
      return Authority(writer: view?.writer, token: view?.token)
    }
  }

  /// The region that most control planes take for the writer; `nil` when none does.
  var writer: (region: String, token: Int64)? {
    let claims = state.withLock {
      $0.views.values.compactMap { view in
        view.writer.flatMap { writer in view.token.map { (writer, $0) } }
      }
    }
    return claims.max { $0.1 < $1.1 }.map { (region: $0.0, token: $0.1) }
  }

  /// All views, by region.
  var views: [String: AuthoritySeen] { state.withLock(\.views) }

  /// Every token that a region was seen to hold: who, and when it was first seen (ns).
  var grants: [Int64: (holder: String, at: Int64)] { state.withLock(\.grants) }

  /// When a store's fence was first seen in this state (ns).
  func firstSeen(_ fence: Fence) -> Int64? { state.withLock { $0.fences[fence] } }

  /// Takes a view; returns whether it says anything new.
  ///
  /// - Parameter changed: when the plane itself saw the change, on the clock that it shares with us (ns). What follows from a
  ///   grant may be seen elsewhere before the plane's word is read here. A time that is no recent one is not believed.
  func take(_ view: AuthoritySeen, changed: Int64? = nil) -> Bool {
    let read = timebase.monotonic()
    let changed = distrusted.contains(view.region) ? nil : changed
    let now = min(read, max(changed ?? read, read - 1_000_000_000))
    return state.withLock { state in
      guard state.views[view.region] != view else { return false }
      state.views[view.region] = view
      if let token = view.ownToken, state.grants[token] == nil { state.grants[token] = (view.region, now) }
      if let token = view.storeHighest, let mode = view.storeMode {
        let fence = Fence(store: view.region, token: token, mode: mode)
        state.fences[fence] = state.fences[fence] ?? now
      }
      return true
    }
  }

  /// Follows one region's control plane and journals what changes, until cancelled.
  func follow(_ region: SiteRegion, journal: Journal) async throws {
    guard let path = region.controlPlaneSocket else { return }
    let client = try ControlPlaneClient(path: path, name: "cp-\(region.name)")
    while !Task.isCancelled {
      let view: AuthoritySeen
      var changed: Int64?
      switch await client.next() {
      case .state(let said):
        // A region that is not the writer itself must not be told to be one: its last word from etcd may be old.
        changed = said.changedAtMonotonic
        let claimsItself = said.writerRegion == region.name && said.role != .writer
        view = AuthoritySeen(
          region: region.name, role: said.role.rawValue, writer: claimsItself ? nil : said.writerRegion,
          ownToken: said.ownToken, token: claimsItself ? nil : said.token,
          storeMode: said.storeMode?.rawValue, storeHighest: said.storeToken, etcdLeader: said.etcdLeader,
          etcdReachable: said.etcdReachable)
      case .silent:
        view = AuthoritySeen(
          region: region.name, role: "silent", writer: nil, ownToken: nil, token: nil, storeMode: nil,
          storeHighest: nil, etcdLeader: nil, etcdReachable: false)
      }
      // The last word of a plane that goes down with the lab is not the drill's.
      if Task.isCancelled { return }
      if take(view, changed: changed) { try await journal.record(view) }
    }
  }
}
