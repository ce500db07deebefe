import Guards
import KafkaWire
import Support
import Synchronization
import Testing

/// What passes an admin guard, byte by byte: in pieces of every size, with both sides slow, and when one side ends.
@Suite(.serialized) struct AdminStreamTests {
  /// What a client sends and what comes back for it.
  struct Conversation {
    var sent: [UInt8] = []
    var answers: [[UInt8]] = []
    /// What the broker must get.
    var passed: [[UInt8]] = []
    /// How many of them are refused.
    var refused = 0

    /// Requests of all kinds and sizes, refused and allowed administration between them.
    static func drawn(_ count: Int, _ random: inout SeededRandom) -> Conversation {
      var all = Conversation()
      for id in Int32(1)...Int32(count) {
        let size = [0, 20, 3000, 16 << 10, 128 << 10, 300_000, 1 << 20][Int.random(in: 0..<7, using: &random)]
        switch Int.random(in: 0..<6, using: &random) {
        case 0: all.add(deletion(id), refusal(id))
        case 1: all.add(deletion(id, client: "a;token=7"))
        case 2: all.add(deletion(id, client: "a;token=6"), refusal(id))
        default: all.add(produce(id, acks: 1, bytes: size))
        }
      }
      return all
    }

    mutating func add(_ request: [UInt8], _ answer: [UInt8]? = nil) {
      sent += request
      let frame = Array(request.dropFirst(4))
      if answer == nil { passed.append(frame) } else { refused += 1 }
      // The broker answers with the id, and the request again.
      answers.append(answer ?? Array(frame[4..<8]) + frame)
    }
  }

  /// Sends in pieces of random size while the answers are read in pieces of random size.
  static func hold(_ conversation: Conversation, _ wire: Wire, seed: UInt64) async throws {
    async let sent: Void = onOwnThread("writer") {
      var random = SeededRandom(seed: seed, for: "sent")
      var rest = conversation.sent[...]
      while !rest.isEmpty {
        let most = [1, 7, 100, 5000, 100_000, 1 << 20][Int.random(in: 0..<6, using: &random)]
        let count = min(rest.count, Int.random(in: 1...most, using: &random))
        try wire.send(Array(rest.prefix(count)))
        rest = rest.dropFirst(count)
      }
    }
    let frames = try await onOwnThread("reader") {
      try conversation.answers.map { _ in try wire.frame() }
    }
    try await sent
    for (place, (frame, wanted)) in zip(frames, conversation.answers).enumerated()
    where !same(frame, wanted) {
      Issue.record("answer \(place): \(frame.count) bytes, \(frame.prefix(12)), instead of \(wanted.count)")
    }
  }

  @Test(arguments: [UInt64(1), 2, 3, 4, 5, 6]) func streamsArriveByteForByte(seed: UInt64) async throws {
    var random = SeededRandom(seed: seed)
    let conversation = Conversation.drawn(40, &random)
    let broker = try EchoBroker()
    try await inTemporaryDirectory { directory in
      try await withAuthority(StagedSource(7), directory) { authority in
        try await serving({ await broker.serve() }) {
          try await withAdminGuard(before: broker.peer.port, authority) { port in
            try await Self.hold(conversation, try Wire(port: port), seed: seed)
          }
        }
      }
      let decisions = try GuardDecision.read("\(directory)/decisions.jsonl").decisions
      #expect(decisions.count { !$0.isAllowed } == conversation.refused)
    }
    #expect(broker.requests == conversation.passed)
  }

  /// Large requests before and behind refused ones, all at once: nothing of a refused request goes on, and nothing else is lost.
  @Test func aRefusedRequestBetweenLargeOnesLeavesThemAlone() async throws {
    try await withGuard { port, broker, _ in
      let wire = try Wire(port: port)
      let large = (1...3).map { produce(Int32($0 * 10), acks: 0, bytes: 400_000) }
      try wire.send(large[0] + deletion(1) + large[1] + deletion(2, client: "a;token=6") + large[2] + metadata(3))
      #expect(try wire.frame() == refusal(1))
      #expect(try wire.frame() == refusal(2))
      #expect(number(try wire.frame()) == 3)
      #expect(broker.requests == (large + [metadata(3)]).map { Array($0.dropFirst(4)) })
    }
  }

  /// How much is under way at most when one side does not read: what the sockets of both connections hold, and the guard's own.
  private static let mostUnderWay = 40 << 20

  /// A client that does not read stops the broker; nothing piles up in the guard, and all comes when it reads.
  @Test func aSlowClientHoldsTheBrokerBack() async throws {
    let (answers, size) = (24, 4 << 20)
    let sent = Mutex(0)
    let peer = try Peer()
    try await withSlow(peer) { wire in
      _ = try wire.frame()
      for number in 0..<answers {
        let content = [UInt8](repeating: UInt8(number), count: size - 4)
        let bytes = big(Int32(size)) + big(Int32(1)) + content
        for start in stride(from: 0, to: bytes.count, by: 64 << 10) {
          try wire.send(Array(bytes[start..<min(bytes.count, start + 64 << 10)]))
          sent.withLock { $0 += 64 << 10 }
        }
        if number + 1 < answers { _ = try wire.frame() }
      }
    } _: { port in
      try await onOwnThread("client") {
        let wire = try Wire(port: port)
        for _ in 0..<answers { try wire.send(metadata(1)) }
        let stalled = Self.settled { sent.withLock { $0 } }
        #expect(stalled < Self.mostUnderWay, "\(stalled >> 20) MiB")
        for number in 0..<answers {
          let frame = try wire.frame()
          #expect(same(frame, big(Int32(1)) + [UInt8](repeating: UInt8(number), count: size - 4)))
        }
      }
    }
  }

  /// A broker that does not read stops the client.
  @Test func aSlowBrokerHoldsTheClientBack() async throws {
    let size = 90 << 20
    let may = Mutex(false)
    let peer = try Peer()
    try await withSlow(peer) { wire in
      while !may.withLock({ $0 }) { pauseBriefly() }
      let frame = try wire.frame()
      #expect(same(frame, Array(produce(1, acks: 1, bytes: size).dropFirst(4))))
      try wire.send(big(Int32(4)) + big(Int32(1)))
    } _: { port in
      let wire = try Wire(port: port)
      let sent = Mutex(0)
      async let writing: Void = onOwnThread("writer") {
        let bytes = produce(1, acks: 1, bytes: size)
        for start in stride(from: 0, to: bytes.count, by: 64 << 10) {
          let piece = Array(bytes[start..<min(bytes.count, start + 64 << 10)])
          try wire.send(piece)
          sent.withLock { $0 += piece.count }
        }
      }
      try await onOwnThread("client") {
        let stalled = Self.settled { sent.withLock { $0 } }
        #expect(stalled < Self.mostUnderWay, "\(stalled >> 20) MiB")
        may.withLock { $0 = true }
        let answer = try wire.frame()
        #expect(number(answer) == 1)
      }
      try await writing
    }
  }

  /// A client that ends in the middle of a large request: the broker gets what was sent, and the end.
  @Test func whatWasSentBeforeAnEndArrives() async throws {
    let got = Mutex<[UInt8]?>(nil)
    let peer = try Peer()
    let bytes = produce(1, acks: 1, bytes: 1 << 20)
    try await withSlow(peer) { wire in
      let all = try wire.toTheEnd()
      got.withLock { $0 = all }
      try wire.send(big(Int32(4)) + big(Int32(1)))
    } _: { port in
      try await onOwnThread("client") {
        let wire = try Wire(port: port)
        try wire.send(Array(bytes.prefix(700_000)))
        wire.shutWriting()
        // What the broker says behind the client's end still comes, and then its own end.
        #expect(number(try wire.frame()) == 1)
        #expect(try wire.toTheEnd().isEmpty)
      }
    }
    #expect(got.withLock { $0 } == Array(bytes.prefix(700_000)))
  }

  private func withSlow(
    _ peer: Peer, _ serve: @escaping @Sendable (Wire) throws -> Void, _ body: (UInt16) async throws -> Void
  ) async throws {
    try await inTemporaryDirectory { directory in
      try await withAuthority(StagedSource(7), directory) { authority in
        try await serving({ await peer.serve(serve) }) {
          try await withAdminGuard(before: peer.port, authority, body)
        }
      }
    }
  }

  /// A count that grows, once it has stood still for half a second.
  private static func settled(_ count: () -> Int) -> Int {
    var (last, quiet) = (-1, 0)
    while quiet < 50 {
      let now = count()
      quiet = now == last && now > 0 ? quiet + 1 : 0
      last = now
      pauseBriefly()
    }
    return last
  }
}
