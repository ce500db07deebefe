import Testing

@testable import KafkaWire

/// What brokers are asked of themselves and of us; frames written by hand from the message schemas.
struct ExaminationTests {
  private func bytes(_ write: (inout WireWriter) -> Void) -> [UInt8] {
    var writer = WireWriter()
    write(&writer)
    return writer.bytes
  }

  private var versions: [UInt8] {
    bytes {
      $0.integer(Int32(9))
      $0.integer(Int16(0))
      $0.integer(Int32(3))
      for (key, low, high) in [(0, 3, 13), (18, 0, 4), (7, 3, 2)] {
        for number in [key, low, high] { $0.integer(Int16(number)) }
      }
    }
  }

  @Test func versionsAreReadAndOnesThatAreNotAnsweredAreLeftOut() throws {
    #expect(
      ApiVersions.request(correlationID: 9, clientID: "x") == [
        0, 0, 0, 11,  // length
        0, 18, 0, 0, 0, 0, 0, 9, 0, 1, UInt8(ascii: "x"),  // key, version, number, client
      ])
    #expect(try ApiVersions.response(versions, correlationID: 9) == [0: 3...13, 18: 0...4])
    #expect(throws: WireError.self) { try ApiVersions.response(versions, correlationID: 8) }
    let refused = bytes {
      $0.integer(Int32(9))
      $0.integer(Int16(35))
    }
    #expect(throws: WireError.self) { try ApiVersions.response(refused, correlationID: 9) }
  }

  private var rights: [UInt8] {
    bytes {
      $0.integer(Int32(4))
      $0.integer(Int32(0))
      $0.integer(Int32(1))
      $0.integer(Int32(1))
      $0.string("b")
      $0.integer(Int32(9092))
      $0.string(nil)
      $0.string("cluster")
      $0.integer(Int32(1))
      $0.integer(Int32(3))
      for (name, error, bits) in [("orders", 0, 1 << 3 | 1 << 8), ("gone", 3, Int(Int32.min)), ("closed", 29, 0)] {
        $0.integer(Int16(error))
        $0.string(name)
        $0.integer(UInt8(0))
        $0.integer(Int32(1))
        $0.integer(Int16(0))
        for _ in 0..<3 { $0.integer(Int32(0)) }
        for _ in 0..<3 {
          $0.integer(Int32(1))
          $0.integer(Int32(1))
        }
        $0.integer(Int32(bits))
      }
      $0.integer(Int32(1 << 5))
    }
  }

  @Test func rightsAreReadByTopicAndForTheCluster() throws {
    let answer = try RightsMetadata.response(rights, correlationID: 4)
    #expect(answer.brokers == [1: "b:9092"])
    let orders = try #require(answer.topics["orders"]?.rights)
    #expect(orders.allows(.read) && orders.allows(.describe) && !orders.allows(.write))
    #expect(orders.lacking([.write, .read, .delete]) == [.write, .delete])
    // The smallest number is no right to everything: the broker did not say.
    #expect(answer.topics["gone"] == RightsMetadata.Topic(error: 3, partitions: 1, rights: nil))
    #expect(answer.topics["closed"]?.error == 29)
    #expect(answer.cluster?.allows(.create) == true)
    #expect(answer.cluster?.allows(.alter) == false)
  }

  @Test func rightsOfAGroupAreAskedOfItsCoordinator() throws {
    let found = bytes {
      $0.integer(Int32(2))
      $0.integer(Int32(0))
      $0.integer(Int16(0))
      $0.string(nil)
      $0.integer(Int32(1))
      $0.string("b")
      $0.integer(Int32(9093))
    }
    #expect(try RightsOfGroup.coordinator(found, correlationID: 2) == .at("b:9093"))
    var refused = found
    refused[9] = 30
    #expect(try RightsOfGroup.coordinator(refused, correlationID: 2) == .refused(30))
    let described = bytes {
      $0.integer(Int32(3))
      $0.integer(Int32(0))
      $0.integer(Int32(1))
      $0.integer(Int16(0))
      for text in ["g", "Stable", "consumer", "range"] { $0.string(text) }
      $0.integer(Int32(1))
      for text in ["m", nil, "c", "/127.0.0.1"] as [String?] { $0.string(text) }
      for _ in 0..<2 { $0.integer(Int32(0)) }
      $0.integer(Int32(1 << 3))
    }
    #expect(try RightsOfGroup.response(described, correlationID: 3).rights?.allows(.read) == true)
  }

  @Test func proofsAreCarriedAndRefusalsRead() throws {
    #expect(
      SaslFrames.step([1, 2], correlationID: 7, clientID: "x") == [
        0, 0, 0, 17,  // length
        0, 36, 0, 0, 0, 0, 0, 7, 0, 1, UInt8(ascii: "x"),  // key, version, number, client
        0, 0, 0, 2, 1, 2,
      ])
    let handshake = bytes {
      $0.integer(Int32(1))
      $0.integer(Int16(33))
      $0.integer(Int32(1))
      $0.string("PLAIN")
    }
    #expect(
      try SaslFrames.handshakeAnswer(handshake, correlationID: 1)
        == SaslFrames.Handshake(error: 33, mechanisms: ["PLAIN"]))
    let step = bytes {
      $0.integer(Int32(1))
      $0.integer(Int16(58))
      $0.string("no")
      $0.integer(Int32(-1))
    }
    #expect(try SaslFrames.stepAnswer(step, correlationID: 1) == SaslFrames.Step(error: 58, message: "no", bytes: []))
  }

  /// Whatever a broken or hostile broker sends is an error, and neither a crash nor a loop.
  @Test func everyTruncationThrows() {
    for length in 0..<rights.count {
      #expect(throws: WireError.self) { try RightsMetadata.response(Array(rights[..<length]), correlationID: 4) }
    }
    for length in 0..<versions.count {
      #expect(throws: WireError.self) { try ApiVersions.response(Array(versions[..<length]), correlationID: 9) }
    }
    var long = versions
    long.replaceSubrange(6..<10, with: [0x7f, 0xff, 0xff, 0xff])
    #expect(throws: WireError.self) { try ApiVersions.response(long, correlationID: 9) }
  }
}
