import Guards
import KafkaWire
import Support
import Synchronization

/// A request, with its size in front.
func request(
  _ key: Int16, _ version: Int16 = 0, _ id: Int32, client: String? = "test", flexible: Bool = false, body: [UInt8] = []
) -> [UInt8] {
  let name = client.map { big(Int16($0.utf8.count)) + Array($0.utf8) } ?? big(Int16(-1))
  let frame = big(key) + big(version) + big(id) + name + (flexible ? [0] : []) + body
  return big(Int32(frame.count)) + frame
}

/// DeleteTopics 1 of a topic `a`.
func deletion(_ id: Int32, client: String? = "test") -> [UInt8] {
  request(20, 1, id, client: client, body: big(Int32(1)) + [0, 1, 97] + big(Int32(1000)))
}

/// Its refusal: throttle time, one result, its error.
func refusal(_ id: Int32) -> [UInt8] {
  big(id) + big(Int32(0)) + big(Int32(1)) + [0, 1, 97] + big(Int16(31))
}

func metadata(_ id: Int32, client: String? = "test") -> [UInt8] {
  request(3, 0, id, client: client, body: big(Int32(0)))
}

func produce(_ id: Int32, acks: Int16, bytes: Int) -> [UInt8] {
  request(0, 3, id, body: big(Int16(-1)) + big(acks) + big(Int32(1000)) + [UInt8](repeating: 0x5a, count: bytes))
}

/// A peer that answers each request with its correlation id and its own bytes again, and keeps what it got.
final class EchoBroker: Sendable {
  let peer: Peer
  private let kept = Mutex<[[UInt8]]>([])

  init() throws { peer = try Peer() }

  var requests: [[UInt8]] { kept.withLock { $0 } }

  func serve() async {
    await peer.serve { [self] wire in
      while let frame = try? wire.frame() {
        kept.withLock { $0.append(frame) }
        var reader = WireReader(frame)
        let header = try RequestHeader(&reader)
        if RequestKind.expectsNoAnswer(header, frame: frame[...]) == true { continue }
        let answer = big(header.correlationID) + frame
        try wire.send(big(Int32(answer.count)) + answer)
      }
    }
  }
}

/// What a guard told its operator.
final class Said: Sendable {
  private let kept = Mutex<[String]>([])

  var lines: [String] { kept.withLock { $0 } }

  func add(_ line: String) { kept.withLock { $0.append(line) } }
}

/// Runs a broker and a guard before it while `body` runs.
func withGuard(
  token: Int64? = 7, policy: AdminPolicy = AdminPolicy(), plant: GuardPlant? = nil,
  _ body: @escaping @Sendable (_ port: UInt16, _ broker: EchoBroker, _ source: StagedSource) throws -> Void,
  log: ([GuardDecision]) throws -> Void = { _ in }
) async throws {
  let broker = try EchoBroker()
  let source = StagedSource(token)
  try await inTemporaryDirectory { directory in
    try await withAuthority(source, directory, plant: plant) { authority in
      try await serving({ await broker.serve() }) {
        try await withAdminGuard(before: broker.peer.port, policy: policy, authority) { port in
          try await onOwnThread("client") { try body(port, broker, source) }
        }
      }
    }
    try log(try GuardDecision.read("\(directory)/decisions.jsonl").decisions)
  }
}

/// Runs a server until `body` has ended.
func serving(_ serve: @escaping @Sendable () async -> Void, _ body: () async throws -> Void) async throws {
  let serving = Task { await serve() }
  let outcome: Result<Void, any Error>
  do { outcome = .success(try await body()) } catch { outcome = .failure(error) }
  serving.cancel()
  await serving.value
  try outcome.get()
}

/// Runs an admin guard on the loopback while `body` runs, which gets its port.
func withAdminGuard(
  before broker: UInt16, policy: AdminPolicy = AdminPolicy(), host: String = "127.0.0.1", tls: GuardTLS? = nil,
  said: Said = Said(), _ authority: TokenAuthority, _ body: (UInt16) async throws -> Void
) async throws {
  let proxy = try await AdminGuard(
    routes: [AdminRoute(listen: Endpoint(host: "127.0.0.1", port: 0), broker: Endpoint(host: host, port: broker))],
    policy: policy, tls: tls, authority: authority, report: { said.add($0) })
  let running = Task { try? await proxy.run() }
  let outcome: Result<Void, any Error>
  do { outcome = .success(try await body(proxy.routes[0].listen.port)) } catch { outcome = .failure(error) }
  running.cancel()
  await running.value
  try outcome.get()
}
