import Foundation
import KafkaWire
import Testing

/// What Kafka's own classes answer to a request when they refuse it.
private struct Refused: Sendable {
  var apiKey: Int16
  var version: Int16
  var request: [UInt8]
  var response: [UInt8]

  static func all() throws -> [Refused] {
    let path = try #require(Bundle.module.url(forResource: "Refusals/refusals", withExtension: "txt"))
    return try String(contentsOf: path, encoding: .utf8).split(separator: "\n").map { line in
      let words = line.split(separator: " ")
      return Refused(
        apiKey: try #require(Int16(words[0])), version: try #require(Int16(words[1])),
        request: bytes(words[2]), response: bytes(words[3]))
    }
  }
}

private func bytes(_ hex: some StringProtocol) -> [UInt8] {
  let digits = hex.utf8.map { UInt8($0 > 0x39 ? $0 - 0x57 : $0 - 0x30) }
  return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
}

private func answer(_ request: [UInt8], _ message: String? = "Guard: the token was refused.") throws -> [UInt8] {
  try RequestRefusal.response(to: request[...], message: message)
}

@Suite struct RequestRefusalTests {
  /// Byte for byte what Kafka itself would have answered, for every administrative request in every version.
  @Test func refusesAsKafkaDoes() throws {
    let cases = try Refused.all()
    var kinds: Set<[Int16]> = []
    for example in cases {
      kinds.insert([example.apiKey, example.version])
      let size = (0..<4).map { UInt8(truncatingIfNeeded: example.response.count >> (24 - 8 * $0)) }
      // DeleteTopics could carry a text, but Kafka gives it none.
      let ours = try answer(example.request, example.apiKey == 20 ? nil : "Guard: the token was refused.")
      let name = "request \(example.apiKey) version \(example.version)"
      if [27, 51].contains(example.apiKey) {
        // Here Kafka's own order is that of a hash table.
        #expect(ours.sorted() == (size + example.response).sorted(), Comment(rawValue: name))
      } else {
        #expect(ours == size + example.response, Comment(rawValue: name))
      }
    }
    let known = RequestKind.table.filter { $0.kind == .administration }
    #expect(Set(kinds.map { $0[0] }) == Set(known.map(\.apiKey)))
    for kind in known { #expect(kinds.contains([kind.apiKey, kind.lastVersion]), "\(kind.name)") }
  }

  /// Every truncation and every surplus byte is an error, never a crash and never an answer.
  @Test func requestsThatEndTooEarlyOrTooLateAreErrors() throws {
    for example in try Refused.all().enumerated().filter({ $0.offset % 4 == 0 }).map(\.element) {
      for count in 0..<example.request.count {
        #expect(throws: WireError.self) { try answer(Array(example.request.prefix(count))) }
      }
      #expect(throws: WireError.self) { try answer(example.request + [0]) }
    }
  }

  /// A short fuzz: requests with bytes changed at random end in an answer of honest size, or an error.
  @Test func damagedRequestsNeverCrash() throws {
    var random = SystemRandomNumberGenerator()
    let cases = try Refused.all()
    for _ in 0..<20_000 {
      guard var request = cases.randomElement(using: &random)?.request else { continue }
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        request[Int.random(in: 4..<request.count, using: &random)] = .random(in: 0 ... .max, using: &random)
      }
      do throws(WireError) {
        let response = try RequestRefusal.response(to: request[...], message: "no")
        let size = response.prefix(4).reduce(0) { $0 << 8 | Int($1) }
        #expect(size == response.count - 4)
      } catch {}
    }
  }

  @Test func whatIsNoAdministrationOrHasAnUnknownVersionIsNotAnswered() throws {
    #expect(!RequestRefusal.isKnown(apiKey: 0, version: 9))
    #expect(!RequestRefusal.isKnown(apiKey: 19, version: 8))
    #expect(!RequestRefusal.isKnown(apiKey: 19, version: -1))
    #expect(!RequestRefusal.isKnown(apiKey: 1000, version: 0))
    #expect(throws: WireError.self) { try answer([0, 0, 0, 9, 0, 0, 0, 1, 0xff, 0xff, 0]) }
    #expect(throws: WireError.self) { try answer([0, 19, 0, 8, 0, 0, 0, 1, 0xff, 0xff, 0, 1, 0, 0, 0, 1, 0]) }
  }

  /// A version that only brokers before 4.0 have (CreateTopics 0): no throttle time, no message.
  @Test func versionsOfOlderBrokersAreAnswered() throws {
    let request = bytes(
      "0013" + "0000" + "00000007" + "ffff" + "00000001" + "000161" + "00000001" + "0001" + "00000000" + "00000000"
        + "00000bb8")
    #expect(try answer(request) == bytes("0000000d" + "00000007" + "00000001" + "000161" + "001f"))
  }

  /// Many small things asked for: texts end before the answer becomes huge.
  @Test func aSmallRequestCausesNoHugeAnswer() throws {
    let count = 200_000
    var request = bytes("002b" + "0001" + "00000007" + "ffff" + "00" + "00000001" + "000161")
    request +=
      (0..<4).map { UInt8(truncatingIfNeeded: count >> (24 - 8 * $0)) } + [UInt8](repeating: 1, count: 4 * count)
    request += [0, 0, 0x75, 0x30]
    let response = try answer(request, String(repeating: "m", count: 1000))
    #expect(response.count < (1 << 20) + 8 * count + 2000)
  }

  @Test func headersAreReadWithoutKnowingTheRequest() throws {
    var reader = WireReader(bytes("03e7" + "0005" + "0000002a" + "000a" + "62733b746f6b656e3d37" + "ff"))
    let header = try RequestHeader(&reader)
    #expect(header == RequestHeader(apiKey: 999, apiVersion: 5, correlationID: 42, clientID: "bs;token=7"))
    #expect(reader.remaining == 1)
    #expect(RequestHeader.length(of: bytes("03e700050000")[...]) == nil)
    #expect(RequestHeader.length(of: bytes("03e700050000002a000a")[...]) == 20)
    #expect(RequestHeader.length(of: bytes("03e700050000002affff")[...]) == 10)
    #expect(throws: WireError.self) {
      var reader = WireReader(bytes("03e7" + "0005" + "0000002a" + "fffe"))
      _ = try RequestHeader(&reader)
    }
  }

  @Test func producersThatWantNoAnswerAreFound() throws {
    func says(_ hex: String) throws -> Bool? {
      let frame = bytes(hex)
      var reader = WireReader(frame)
      return RequestKind.expectsNoAnswer(try RequestHeader(&reader), frame: frame[...])
    }
    #expect(try says("0000" + "0003" + "00000001" + "000178" + "ffff" + "0000" + "00007530") == true)
    #expect(try says("0000" + "0003" + "00000001" + "000178" + "000174" + "ffff" + "00007530") == false)
    #expect(try says("0000" + "0009" + "00000001" + "000178" + "00" + "00" + "0000" + "00007530") == true)
    #expect(try says("0000" + "0009" + "00000001" + "000178" + "00" + "0274" + "0001" + "00007530") == false)
    #expect(try says("0000" + "0002" + "00000001" + "000178" + "0000") == true)
    #expect(try says("0000" + "0009" + "00000001" + "000178" + "00" + "02") == nil)
    #expect(try says("0001" + "0009" + "00000001" + "000178" + "00") == false)
  }

  @Test func theTableIsWhole() {
    #expect(RequestKind.table.count == 93)
    #expect(RequestKind.of(19)?.name == "CreateTopics")
    #expect(RequestKind.of(58)?.kind == .betweenBrokers)
    #expect(RequestKind.of(92)?.name == "DeleteShareGroupOffsets")
    #expect(RequestKind.of(93) == nil)
    #expect(RequestKind.of(-1) == nil)
    for kind in RequestKind.table where kind.kind == .administration {
      #expect(RequestRefusal.isKnown(apiKey: kind.apiKey, version: kind.lastVersion), "\(kind.name)")
    }
  }
}
