import Scenarios
import Support
import Testing

/// Quantities: read, written, bounded.
@Suite struct UnitTests {
  @Test(arguments: [
    ("250ms", 250_000_000), ("1.5s", 1_500_000_000), ("5m", 300_000_000_000), ("2h", 7_200_000_000_000), ("0s", 0),
    ("7us", 7000), ("7µs", 7000), ("1ns", 1), ("0.000000001s", 1), ("00010s", 10_000_000_000),
    ("9223372036854775807ns", Int64.max),
  ]) func durationsAreExact(text: String, nanoseconds: Int64) throws {
    #expect(try Duration(text: text) == .nanoseconds(nanoseconds))
  }

  @Test(arguments: [
    "", "s", "10", "-1s", "+1s", "1 s", "1e3s", ".5s", "5.s", "1..5s", "1.5.5s", "1d", "10S", "9223372036854775808ns",
    "0.1ns", "18446744073709551616s", "٣s", "1s2", "∞",
  ]) func otherTextsAreNoDurations(text: String) {
    #expect(throws: Problem.self) { try Duration(text: text) }
  }

  /// What the tool writes, it reads.
  @Test func durationsSurviveTheirText() throws {
    var random = SeededRandom(seed: 1)
    for _ in 0..<2000 {
      let duration = Duration.nanoseconds(Int64(random.next() >> UInt64.random(in: 1...60, using: &random)))
      #expect(try Duration(text: duration.text) == duration)
    }
  }

  @Test func quantitiesSurviveTheirJSON() throws {
    let rates = [Rate(40), Rate(90, per: .minute), Rate(1, per: .hour)]
    #expect(try decodeJSON([Rate].self, from: encodeJSON(rates)) == rates)
    let shares = [Percentage(partsPerMillion: 0), Percentage(partsPerMillion: 5_001), .all]
    #expect(String(decoding: try encodeJSON(shares), as: UTF8.self) == #"["0%","0.5001%","100%"]"#)
    #expect(try decodeJSON([Percentage].self, from: encodeJSON(shares)) == shares)
    let sizes = [ByteSize(bytes: 0), ByteSize(bytes: 10 << 20), ByteSize(bytes: 1500), ByteSize(bytes: .max)]
    #expect(String(decoding: try encodeJSON(sizes), as: UTF8.self) == #"["0B","10MiB","1500B","9223372036854775807B"]"#)
    #expect(try decodeJSON([ByteSize].self, from: encodeJSON(sizes)) == sizes)
  }

  @Test(arguments: [#"["0/s"]"#, #"["4"]"#, "[4]"]) func wrongRatesInJSONAreRefused(json: String) {
    #expect(throws: (any Error).self) { try decodeJSON([Rate].self, from: json.utf8) }
  }

  @Test(arguments: [#"["8EiB"]"#, #"["9223372036854775808B"]"#, #"["-1B"]"#, #"["10"]"#])
  func wrongSizesInJSONAreRefused(json: String) {
    #expect(throws: (any Error).self) { try decodeJSON([ByteSize].self, from: json.utf8) }
  }

  @Test func ratesSayTheirInterval() {
    #expect(Rate(40).interval == .milliseconds(25))
    #expect(Rate(90, per: .minute).perSecond == 1.5)
  }
}
