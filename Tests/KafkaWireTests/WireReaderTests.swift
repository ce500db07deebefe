import KafkaWire
import Testing

@Suite("Kafka's primitive types")
struct WireReaderTests {
  @Test("Numbers are big-endian and signed")
  func numbers() throws {
    var reader = WireReader([0xff, 0x01, 0x02, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7])
    #expect(try reader.integer(Int8.self) == -1)
    #expect(try reader.integer(Int16.self) == 0x0102)
    #expect(try reader.integer(Int32.self) == Int32.min)
    #expect(try reader.integer(Int64.self) == 7)
    #expect(reader.remaining == 0)
  }

  @Test("Varints, as the protocol guide and protobuf have them")
  func varints() throws {
    var reader = WireReader([
      0xac, 0x02, 0x01, 0x03, 0xff, 0xff, 0xff, 0xff, 0x0f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01,
    ])
    #expect(try reader.unsignedVarint() == 300)
    #expect(try reader.varint() == -1)
    #expect(try reader.varint() == -2)
    #expect(try reader.varint() == Int32.min)
    #expect(try reader.varlong() == Int64.min)
  }

  @Test("A varint that does not end, or is wider than its type, is refused")
  func longVarints() {
    var endless = WireReader([UInt8](repeating: 0x80, count: 11))
    #expect(throws: WireError(.varintTooLong, at: 0)) { try endless.varlong() }
    var wide = WireReader([0xff, 0xff, 0xff, 0xff, 0x1f])
    #expect(throws: WireError(.varintTooLong, at: 0)) { try wide.unsignedVarint() }
    var tenth = WireReader([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02])
    #expect(throws: WireError(.varintTooLong, at: 0)) { try tenth.varlong() }
  }

  @Test("Strings and bytes, null, empty and full")
  func strings() throws {
    var reader = WireReader([
      0xff, 0xff, 0, 0, 0, 2, 0x68, 0x69, 0, 1, 3, 0x68, 0x69, 0xff, 0xff, 0xff, 0xff, 0x01, 0x02, 9,
    ])
    #expect(try reader.nullableString() == nil)
    #expect(try reader.string() == "")
    #expect(try reader.string() == "hi")
    #expect(try reader.compactNullableString() == nil)
    #expect(try reader.compactNullableString() == "")
    #expect(try reader.compactNullableString() == "hi")
    #expect(try reader.nullableBytes() == nil)
    #expect(try reader.varintBytes() == nil)
    #expect(try reader.varintBytes() == [9])
  }

  @Test("What is cut short, negative or not text is an error with its place")
  func errors() {
    var short = WireReader([0, 5, 0x68])
    #expect(throws: WireError(.truncated(wanted: 5, left: 1), at: 2)) { try short.string() }
    var null = WireReader([0xff, 0xff])
    #expect(throws: WireError(.unexpectedNull, at: 0)) { try null.string() }
    var negative = WireReader([0xff, 0xff, 0xff, 0xfe])
    #expect(throws: WireError(.negativeLength(-2), at: 4)) { try negative.nullableBytes() }
    var latin = WireReader([0, 1, 0xe9])
    #expect(throws: WireError(.notText, at: 0)) { try latin.string() }
  }

  @Test("Tagged fields are stepped over")
  func tags() throws {
    var reader = WireReader([2, 0, 1, 0xaa, 5, 2, 0xbb, 0xcc, 42])
    try reader.skipTags()
    #expect(try reader.integer(UInt8.self) == 42)
  }
}
