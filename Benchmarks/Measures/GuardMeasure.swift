internal import Guards
internal import Support

/// Both guards beside the direct way, turn by turn, before peers on the loopback that do nothing but read and answer.
let guardMeasure = Measure(
  name: "guards", summary: "requests through the admin guard and the registry guard, beside the direct way"
) { bench in
  let authority = try TokenAuthority(
    source: SteadySource(), directory: "\(bench.workspace)/guard", report: { _ in })
  let broker = try LoopbackPeer()
  let registry = try LoopbackPeer()
  let here = { Endpoint(host: "127.0.0.1", port: $0) }
  let admin = try await AdminGuard(
    routes: [AdminRoute(listen: here(0), broker: here(broker.port))], authority: authority, report: { _ in })
  let proxy = try await RegistryGuard(
    RegistrySettings(listen: here(0), upstream: here(registry.port)), authority: authority, report: { _ in })
  return try await withThrowingTaskGroup(of: Void.self) { group in
    group.addTask { await broker.serve(answerFrames) }
    group.addTask { await registry.serve(answerReads) }
    group.addTask { try await admin.run() }
    group.addTask { try await proxy.run() }
    group.addTask { await authority.run() }
    defer { group.cancelAll() }
    return try await onOwnThread("client") {
      try measured(
        bench, broker: (broker.port, admin.routes[0].listen.port), registry: (registry.port, proxy.endpoint.port))
    }
  }
}

struct SteadySource: TokenSource {
  struct NoToken: Error {}

  let name = "steady"

  func current() async throws -> TokenReading {
    guard let token = FencingToken(7) else { throw NoToken() }
    return .held(token, holder: "bench")
  }
}

/// Answers each of Kafka's frames with its correlation id.
private func answerFrames(_ stream: LoopbackStream) throws {
  var buffer = [UInt8](repeating: 0, count: 8 << 20)
  while try stream.receive(8, into: &buffer) {
    let size = buffer[0..<4].reduce(0) { $0 << 8 | Int($1) }
    // The rest of the header's beginning is read with the body; the id is at its fifth byte.
    guard try stream.receive(size - 4, into: &buffer) else { return }
    try stream.send([0, 0, 0, 4] + buffer[0..<4])
  }
}

/// Answers whatever ends with an empty line.
private func answerReads(_ stream: LoopbackStream) throws {
  var buffer = [UInt8](repeating: 0, count: 4096)
  var last: [UInt8] = []
  let answer = Array("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]".utf8)
  while true {
    let count = try stream.some(into: &buffer)
    if count == 0 { return }
    last = (last + buffer.prefix(count)).suffix(4)
    if last == [13, 10, 13, 10] { try stream.send(answer) }
  }
}

/// A Produce request, version 3, with so many bytes behind its fields.
private func produce(bytes: Int) -> [UInt8] {
  let frame: [UInt8] =
    [0, 0, 0, 3, 0, 0, 0, 1, 0, 1, 0x62, 0xff, 0xff, 0, 1, 0, 0, 0x75, 0x30] + [UInt8](repeating: 7, count: bytes)
  return (0..<4).map { UInt8(truncatingIfNeeded: frame.count >> (24 - 8 * $0)) } + frame
}

private func measured(
  _ bench: Bench, broker: (direct: UInt16, guarded: UInt16), registry: (direct: UInt16, guarded: UInt16)
) throws -> [Figure] {
  func time(_ body: () throws -> Void) rethrows -> Int64 {
    let start = Timebase.system.monotonic()
    try body()
    return Timebase.system.monotonic() - start
  }
  var buffer = [UInt8](repeating: 0, count: 1024)
  func contest(
    _ ports: (direct: UInt16, guarded: UInt16), _ count: Int, bytesPerSecond: UInt64? = nil,
    _ ask: (LoopbackStream) throws -> Void
  ) throws -> (Samples, Samples) {
    let direct = try LoopbackStream(port: ports.direct)
    let guarded = try LoopbackStream(port: ports.guarded)
    if let bytesPerSecond {
      try direct.pace(bytesPerSecond: bytesPerSecond)
      try guarded.pace(bytesPerSecond: bytesPerSecond)
    }
    for _ in 0..<20 {
      try ask(direct)
      try ask(guarded)
    }
    var (one, other) = (Samples(), Samples())
    for _ in 0..<count {
      one.add(try time { try ask(direct) })
      other.add(try time { try ask(guarded) })
    }
    return (one, other)
  }
  func figures(_ name: String, _ taken: (Samples, Samples), note: String = "") -> [Figure] {
    [
      Figure(what: "\(name), direct", samples: taken.0),
      Figure(what: "\(name), guarded", samples: taken.1, base: taken.0, note: note),
    ]
  }
  func askBroker(_ bytes: [UInt8], times: Int = 1) -> (LoopbackStream) throws -> Void {
    { stream in
      for _ in 0..<times { try stream.send(bytes) }
      guard try stream.receive(8 * times, into: &buffer) else { throw Problem(.fail, "the connection was closed") }
    }
  }
  let count = bench.size(quick: 50, full: 5000)
  let small = try contest(broker, count, askBroker(produce(bytes: 200)))
  let batches = try contest(broker, bench.size(quick: 5, full: 200), askBroker(produce(bytes: 16 << 10), times: 100))
  let large = try contest(broker, bench.size(quick: 3, full: 50), askBroker(produce(bytes: 1 << 20), times: 64))
  // As from a client whose network card is what limits.
  let paced = try contest(
    broker, bench.size(quick: 3, full: 50), bytesPerSecond: 1_250_000_000,
    askBroker(produce(bytes: 1 << 20), times: 64))
  let get = Array("GET /subjects HTTP/1.1\r\nHost: r\r\n\r\n".utf8)
  let reads = try contest(registry, count) { stream in
    try stream.send(get)
    // Until the answer's own end, which is the same through the guard, which adds a field of its own before it.
    var last: [UInt8] = []
    while last != Array("\r\n\r\n[]".utf8) {
      let count = try stream.some(into: &buffer)
      if count == 0 { throw Problem(.fail, "the connection was closed") }
      last = (last + buffer.prefix(count)).suffix(6)
    }
  }
  return figures("admin: produce of 200 bytes and its answer", small)
    + figures("admin: 100 requests of 16 KiB", batches) + figures("admin: 64 requests of 1 MiB", large)
    + figures("admin: the same from a client with 10 Gbit/s", paced)
    + figures("registry: GET and its answer", reads)
}
