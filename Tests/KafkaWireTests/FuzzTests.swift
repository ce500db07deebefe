import KafkaWire
import Testing

/// Whatever the bytes: a value or a ``WireError``, never a crash, and never a length that is believed before it is there.
@Suite("Any bytes")
struct FuzzTests {
  /// SplitMix64: the same bytes for the same seed.
  private struct Random: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state &+= 0x9e37_79b9_7f4a_7c15
      var z = state
      z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
      z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
      return z ^ z >> 31
    }
  }

  /// Good bytes with a few changed, cut or repeated.
  private static func mutate(_ good: [UInt8], _ random: inout Random) -> [UInt8] {
    var bytes = good
    for _ in 0..<Int.random(in: 1...4, using: &random) {
      guard !bytes.isEmpty else { return bytes }
      let place = Int.random(in: 0..<bytes.count, using: &random)
      switch Int.random(in: 0..<6, using: &random) {
      case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
      case 1: bytes[place] = [0, 0x7f, 0x80, 0xff].randomElement(using: &random) ?? 0
      case 2: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      case 3: bytes.removeLast(bytes.count - place)
      case 4: bytes.insert(UInt8.random(in: 0...255, using: &random), at: place)
      default: bytes.append(contentsOf: bytes.prefix(place))
      }
    }
    return bytes
  }

  private static func feed(_ bytes: [UInt8]) -> Int {
    var understood = 0
    func attempt(_ body: () throws(WireError) -> Void) {
      do throws(WireError) {
        try body()
        understood += 1
      } catch {
        _ = error.description
      }
    }
    let half = bytes[..<(bytes.count / 2)]
    let rest = bytes[(bytes.count / 2)...]
    attempt { () throws(WireError) in
      let batches = try readSegment(bytes).batches
      for batch in batches where batch.isControl { for record in batch.records { _ = try ControlRecord(record) } }
    }
    for (key, value) in [(half, rest), (bytes[...], bytes[...]), (half, nil)]
      as [(ArraySlice<UInt8>, ArraySlice<UInt8>?)]
    {
      attempt { () throws(WireError) in _ = try OffsetSyncRecord(key: key, value: value) }
      attempt { () throws(WireError) in _ = try CheckpointRecord(key: key, value: value) }
      attempt { () throws(WireError) in _ = try HeartbeatRecord(key: key, value: value) }
      attempt { () throws(WireError) in _ = try ConsumerOffsetsRecord(key: key, value: value) }
      attempt { () throws(WireError) in _ = try ConnectOffset(key: key, value: value) }
    }
    return understood
  }

  @Test("Random bytes", arguments: UInt64(0)..<4)
  func randomBytes(seed: UInt64) {
    var random = Random(state: seed)
    for _ in 0..<1500 {
      let bytes = (0..<Int.random(in: 0..<120, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
      _ = Self.feed(bytes)
    }
  }

  @Test("Good records with bytes changed", arguments: UInt64(0)..<4)
  func mutated(seed: UInt64) throws {
    var random = Random(state: seed &+ 1000)
    var goods: [([UInt8], [UInt8])] = []
    for kind in ["offset-sync", "checkpoint", "heartbeat", "commit", "group"] {
      goods += try KafkaFixtures.records(of: kind).prefix(5).map { (Array($0.key), Array($0.value ?? [])) }
    }
    for _ in 0..<1500 {
      guard let (key, value) = goods.randomElement(using: &random) else { return }
      let newKey = Bool.random(using: &random) ? key : Self.mutate(key, &random)
      let newValue = Self.mutate(value, &random)
      _ = try? OffsetSyncRecord(key: newKey[...], value: newValue[...])
      _ = try? CheckpointRecord(key: newKey[...], value: newValue[...])
      _ = try? HeartbeatRecord(key: newKey[...], value: newValue[...])
      _ = try? ConsumerOffsetsRecord(key: newKey[...], value: newValue[...])
      _ = Self.feed(newKey + newValue)
    }
  }

  /// With a checksum made for the damaged bytes, so that what lies behind it is reached.
  @Test("Batches with records changed and their checksum mended", arguments: UInt64(0)..<4)
  func batches(seed: UInt64) throws {
    var random = Random(state: seed &+ 2000)
    let goods = try readSegment(try KafkaFixtures.bytes("batches.log")).batches.map { $0.encoded() }
    var refused = 0
    for _ in 0..<1500 {
      guard let good = goods.randomElement(using: &random) else { return }
      let rest = Self.mutate(Array(good[21...]), &random)
      var batch = WireWriter()
      batch.raw(good[..<8])
      batch.integer(Int32(rest.count + 9))
      batch.raw(good[12..<17])
      batch.integer(crc32c(rest))
      batch.raw(rest)
      do throws(WireError) {
        for read in try readSegment(batch.bytes).batches {
          #expect(read.records.allSatisfy { (read.baseOffset...read.lastOffset).contains($0.offset) })
        }
      } catch {
        if case .wrongChecksum = error.kind { Issue.record("the checksum was mended") }
        refused += 1
      }
    }
    #expect(refused > 100)
  }
}

/// CRC-32C bit by bit, as its definition has it.
func crc32c(_ bytes: [UInt8]) -> UInt32 {
  var crc = UInt32.max
  for byte in bytes {
    crc ^= UInt32(byte)
    for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0x82f6_3b78 : crc >> 1 }
  }
  return ~crc
}
