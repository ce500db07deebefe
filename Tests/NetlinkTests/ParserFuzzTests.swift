import Testing

@testable import Netlink

/// Every parser against good messages with bytes changed, cut, doubled and put in: a value or a thrown error, never a
/// crash, and never long. The changes are drawn from a seed, so a failure repeats.
@Suite struct ParserFuzzTests {
  struct Parser: Sendable, CustomTestStringConvertible {
    var name: String
    var good: [[UInt8]]
    var parse: @Sendable ([UInt8]) throws -> Void

    var testDescription: String { name }

    /// A parser of one message's payload, behind the splitting of a datagram.
    static func message(
      _ name: String, _ good: [UInt8]..., parse: @escaping @Sendable (Message) throws -> Void
    ) -> Parser {
      Parser(name: name, good: good) { bytes in for message in try Message.split(bytes[...]) { try parse(message) } }
    }
  }

  static let parsers: [Parser] = [
    .message("link", Recorded.link) { _ = try Link(decoding: $0) },
    .message("address", Recorded.addressV4, Recorded.addressV6) { _ = try LinkAddress(decoding: $0) },
    .message("route", Recorded.routeV4, Recorded.routeV6) { _ = try Route(decoding: $0) },
    .message("discipline", Recorded.discipline) {
      let discipline = try QueueingDiscipline(decoding: $0)
      _ = (try discipline.tokenBucket(), try discipline.netem(), discipline.canonicalLine)
    },
    .message("table", Recorded.table) { _ = try NFTables.decodeTable($0) },
    .message("chain", Recorded.chain) { _ = try NFTables.decodeChain($0) },
    .message("rule", Recorded.rule, Recorded.ruleWithRefusal) { _ = try NFTables.decodeRule($0) },
    .message("set", Recorded.set) { _ = try NFTables.decodeSet($0) },
    .message("elements", Recorded.elements) { _ = try NFTables.decodeElements($0) },
    .message("object", Recorded.table) { _ = try NFTables.decodeOther($0) },
    .message("generation", [28, 0, 0, 0, 15, 10, 0, 0] + [UInt8](repeating: 0, count: 12) + [8, 0, 1, 0, 0, 0, 0, 9]) {
      _ = try NFTables.decodeGeneration($0)
    },
    .message(
      "acknowledgement",
      // errno 17, a request that is left out, the text "no", an offset
      [52, 0, 0, 0, 2, 0, 0, 3] + [UInt8](repeating: 0, count: 8) + [0xEF, 0xFF, 0xFF, 0xFF, 40, 0, 0, 0]
        + [UInt8](repeating: 0, count: 12) + [7, 0, 1, 0, 110, 111, 0, 0, 8, 0, 2, 0, 24, 0, 0, 0]
    ) { _ = try Acknowledgement($0) },
    .message(
      "socket",
      [100, 0, 0, 0, 20, 0, 2, 0] + [UInt8](repeating: 0, count: 8) + Array(describedSocket.payload)
    ) { _ = try DiagnosedSocket(decoding: $0, .tcp) },
    Parser(name: "queued packet", good: [describedPacket]) { bytes in
      var receipt = PacketQueue.Receipt()
      try PacketQueue.split(bytes.span, 0..<bytes.count, &receipt) { _ in }
    },
    Parser(name: "emulator", good: [emulator]) { _ = try Netem(decoding: $0[...]) },
  ]

  /// TCA_OPTIONS with every attribute.
  private static let emulator: [UInt8] = {
    var netem = Netem(limitPackets: 1000)
    netem.loss = .gilbertElliott(toBad: .none, toGood: .all, lossWhenBad: .all, lossWhenGood: .none)
    (netem.bytesPerSecond, netem.seed) = (1 << 40, 7)
    netem.slots = .init(minimumNanoseconds: 1, maximumNanoseconds: 2)
    var writer = MessageWriter()
    do { try netem.write(to: &writer, overwrites: false) } catch { return [] }
    return writer.finish()
  }()

  @Test(arguments: parsers) func goodMessagesAreReadAndBadOnesEndInAnError(_ parser: Parser) throws {
    try #require(!parser.good.contains([]))
    for good in parser.good { try parser.parse(good) }
    var random = SplitMix(state: 20_261_121)
    var refused = 0
    let tries = 4000
    let start = ContinuousClock.now
    for index in 0..<tries {
      var bytes = parser.good[index % parser.good.count]
      for _ in 0..<Int.random(in: 1...4, using: &random) { mutate(&bytes, using: &random) }
      do { try parser.parse(bytes) } catch is WireError { refused += 1 }
    }
    #expect(refused > tries / 20, "changes that no parser minds test nothing")
    #expect(ContinuousClock.now - start < .seconds(60), "\(tries) messages of some hundred bytes")
  }

  /// Cut off anywhere, a message is refused before any parser sees it.
  @Test(arguments: parsers.filter { $0.name != "emulator" })
  func everyTruncationOfAGoodMessageThrows(_ parser: Parser) {
    for good in parser.good {
      for length in 1..<good.count {
        #expect(throws: WireError.self, "\(length) of \(good.count)") { try parser.parse(Array(good[..<length])) }
      }
    }
  }

  private func mutate(_ bytes: inout [UInt8], using random: inout SplitMix) {
    guard !bytes.isEmpty else { return }
    let place = Int.random(in: 0..<bytes.count, using: &random)
    switch Int.random(in: 0..<7, using: &random) {
    case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
    case 1: bytes[place] ^= 1 << UInt8.random(in: 0...7, using: &random)
    case 2: bytes.removeSubrange(place...)
    case 3: bytes.insert(UInt8.random(in: 0...255, using: &random), at: place)
    case 4: bytes.insert(contentsOf: bytes[place...].prefix(32), at: place)
    case 5: for index in place..<min(place + 4, bytes.count) { bytes[index] = 0 }
    // Lengths stand at multiples of four, and these are the numbers that tempt arithmetic.
    default: bytes[place / 4 * 4] = [0, 1, 3, 4, 5, 127, 128, 255].randomElement(using: &random) ?? 0
    }
  }
}

/// SplitMix64, by Steele, Lea and Flood.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return mixed ^ mixed >> 31
  }
}
