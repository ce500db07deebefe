import Support
import Testing

/// `blackstart kafka dump` over the segments of a real mirrored pair (Tests/Fixtures/kafka).
@Suite("kafka dump") struct KafkaDumpTests {
  private static let folder =
    #filePath.split(separator: "/").dropLast(2).reduce("") { $0 + "/" + $1 } + "/Fixtures/kafka"

  @Test("identities, one a line, as sort and uniq take them; what was aborted is left out and counted")
  func identities() async throws {
    try await withDirectory("kafka") { directory in
      func dump(_ options: [String]) async throws -> (lines: [Substring], errors: String) {
        let result = try await Blackstart.run(
          ["kafka", "dump", "\(Self.folder)/pair/east/orders.us-0.log", "--identities"] + options, in: directory)
        #expect(result.code == 0)
        return (result.output.split(separator: "\n"), result.errors)
      }
      let all = try await dump([])
      let committed = try await dump(["--committed"])
      #expect(all.errors == "")
      let words = committed.errors.split(separator: " ")
      let left = try #require(words.count > 2 ? Int(words[2]) : nil, "\(committed.errors)")
      #expect(left > 0)
      #expect(committed.lines.count == all.lines.count - left)
      #expect(committed.lines.allSatisfy { $0.contains(":") })
      // Another header is not there.
      let other = try await dump(["--header", "trace"])
      #expect(other.lines == [])
      #expect(other.errors == "left out: \(all.lines.count) records without a header 'trace'\n")
    }
  }

  @Test("the mirror's own topics are decoded, by the name of their directory")
  func decoded() async throws {
    try await withDirectory("kafka") { directory in
      let partition = "\(directory)/east.checkpoints.internal-0"
      try makeDirectory(partition)
      try writeFile(
        "\(partition)/00000000000000000000.log", try readFile("\(Self.folder)/pair/eu/east.checkpoints.internal-0.log"))
      let result = try await Blackstart.run(["kafka", "dump", partition], in: directory)
      #expect(result.code == 0)
      #expect(result.output.contains(" checkpoint billing east.orders.us-0 upstream 98 downstream 71\n"))
      #expect(result.output.contains(" commit producer "))
    }
  }

  @Test("what cannot be read is refused with its place and its name")
  func refusals() async throws {
    try await withDirectory("kafka") { directory in
      let packed = "\(Self.folder)/pair/east/packed-0.log"
      let compressed = try await Blackstart.run(["kafka", "dump", packed], in: directory)
      #expect(compressed.code == 2)
      #expect(compressed.errors.contains("compressed with gzip"))
      // What stood before it was printed.
      #expect(compressed.output.split(separator: "\n").count == 20)
      let legacy = try await Blackstart.run(["kafka", "dump", "\(Self.folder)/legacy-0.log"], in: directory)
      #expect(legacy.code == 2)
      #expect(legacy.errors.contains("magic 0, as Kafka wrote before 0.11"))
      var bytes = try readFile("\(Self.folder)/batches.log")
      bytes[100] ^= 1
      try writeFile("\(directory)/damaged.log", bytes)
      let damaged = try await Blackstart.run(["kafka", "dump", "\(directory)/damaged.log"], in: directory)
      #expect(damaged.code == 2)
      #expect(damaged.errors.contains("the batch at byte 0 cannot be read") && damaged.errors.contains("checksum"))
      let cut = Array(try readFile("\(Self.folder)/batches.log").dropLast(5))
      try writeFile("\(directory)/cut.log", cut)
      let short = try await Blackstart.run(["kafka", "dump", "\(directory)/cut.log"], in: directory)
      #expect(short.code == 0)
      #expect(short.errors.contains("cut off: "))
      #expect(try await Blackstart.run(["kafka", "dump", directory + "/none"], in: directory).code != 0)
    }
  }
}
