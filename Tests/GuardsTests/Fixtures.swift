import Guards
import Support
import Synchronization
import TestSupport

/// An authority that says what a test tells it to.
final class StagedSource: TokenSource {
  enum Behaviour: Sendable {
    case says(TokenReading)
    case fails
    case hangs
  }

  struct Silent: Error {}

  let name = "staged authority"
  private let state: Mutex<(behaviour: Behaviour, asked: Int)>

  init(_ token: Int64?) { state = Mutex((Self.saying(token), 0)) }

  var asked: Int { state.withLock { $0.asked } }

  func become(_ behaviour: Behaviour) { state.withLock { $0.behaviour = behaviour } }
  func become(_ token: Int64?) { become(Self.saying(token)) }

  func current() async throws -> TokenReading {
    let behaviour = state.withLock { state in
      state.asked += 1
      return state.behaviour
    }
    switch behaviour {
    case .says(let reading): return reading
    case .fails: throw Silent()
    case .hangs:
      try await Task.sleep(for: .milliseconds(50))  // like a client whose deadline ends its call
      throw Silent()
    }
  }

  private static func saying(_ token: Int64?) -> Behaviour {
    guard let token, let token = FencingToken(token) else { return .says(.vacant) }
    return .says(.held(token, holder: "east"))
  }
}

func inTemporaryDirectory(_ body: (String) async throws -> Void) async throws {
  try await withTemporaryDirectory("guards", remove: { try removeTree($0) }, body)
}

/// Runs `body` with an authority that is asking.
func withAuthority(
  _ source: StagedSource, _ directory: String, maximumAge: Duration = .seconds(2), plant: GuardPlant? = nil,
  _ body: (TokenAuthority) async throws -> Void
) async throws {
  let authority = try TokenAuthority(
    source: source, directory: directory, maximumAge: maximumAge, pollInterval: .milliseconds(20), plant: plant,
    report: { _ in })
  let running = Task { await authority.run() }
  let outcome: Result<Void, any Error>
  do { outcome = .success(try await body(authority)) } catch { outcome = .failure(error) }
  running.cancel()
  await running.value
  try outcome.get()
}

func question(_ token: String?) -> GuardQuestion {
  GuardQuestion(
    origin: "test", client: "10.0.0.1:1", asked: "POST /subjects/a/versions",
    presented: PresentedToken(token.map { [$0] } ?? []))
}
