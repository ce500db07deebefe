import Support
import Testing

@Test func jsonIsWrittenWithSortedKeysAndReadBack() throws {
  let value: JSONValue = [
    "z": 1, "a": [true, "x/y", 1.5], "none": .null, "deep": ["k": -9_223_372_036_854_775_808],
  ]
  let bytes = try encodeJSON(value)
  #expect(
    String(decoding: bytes, as: UTF8.self)
      == #"{"a":[true,"x/y",1.5],"deep":{"k":-9223372036854775808},"none":null,"z":1}"#)
  #expect(try decodeJSON(JSONValue.self, from: bytes) == value)
}

@Test func membersAreReadByTheirKind() throws {
  let value = try decodeJSON(
    JSONValue.self, from: #"{"id":"7587850000","n":3,"list":[1],"ok":true,"text":"t"}"#.utf8)
  #expect(value["id"]?.integer == 7_587_850_000)
  #expect(value["n"]?.integer == 3)
  #expect(value["list"]?.array == [1])
  #expect(value["ok"]?.bool == true)
  #expect(value["text"]?.string == "t")
  #expect(value["text"]?.integer == nil)
  #expect(value["n"]?.string == nil)
  #expect(value["n"]?["x"] == nil)
  #expect(value["list"]?.bool == nil)
  #expect(value["none"]?.array == nil)
}

@Test(arguments: ["", "{", "nul", #"{"a":}"#, "\u{0}"])
func brokenJSONThrows(text: String) {
  #expect(throws: (any Error).self) { try decodeJSON(JSONValue.self, from: text.utf8) }
}

@Test func sha256FollowsFIPS180() {
  #expect(sha256(Array("abc".utf8)) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
  #expect(sha256([]) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
}
