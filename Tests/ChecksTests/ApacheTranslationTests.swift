import Checks
import Support
import Testing
import TestSupport

#if canImport(Glibc)
  import Glibc
#endif

/// Our rules of a mirror beside Apache's own, over random histories with aborted transactions' holes, rewinds, truncations,
/// restarts and a compacted topic of sync points (Tests/Fixtures/kafka/Translate.java).
@Suite struct ApacheTranslationTests {
  private static let folder = LeadershipCorpusTests.folder + "/../kafka"

  /// How many answers of each kind were compared, and those that differed.
  private struct Agreement {
    var compared: [Character: Int] = [:]
    var differences: [String] = []

    /// Goes through the steps, asking our rules whatever Apache's were asked.
    init(_ lines: some Sequence<Substring>) throws {
      var lag = SyncEmission()
      var store = OffsetSyncStore()
      var checkpoints = CheckpointEmission()
      var emitted: [String: Checkpoint] = [:]
      var syncs: [SyncPoint] = []
      for (number, line) in lines.enumerated() {
        let words = line.split(separator: " ").map(String.init)
        func value(_ place: Int) throws -> Int64 { try #require(Int64(words[place]), "line \(number + 1): \(line)") }
        let kind = try #require(words.first?.first)
        var ours: String?
        switch kind {
        case "p":
          lag = SyncEmission(lagMax: try value(1))
          (store, checkpoints, emitted, syncs) = (OffsetSyncStore(), CheckpointEmission(), [:], [])
        case "r": ours = lag.record(upstream: try value(1), downstream: try value(2)) ? "1" : "0"
        case "z": lag.sent()
        case "s":
          syncs.append(SyncPoint(upstream: try value(1), downstream: try value(2)))
          store.take(syncs[syncs.count - 1])
        case "b": store.start()
        case "R":
          let mustReadToEnd = try value(1) == 1
          if mustReadToEnd { emitted = [:] }
          checkpoints = CheckpointEmission(found: Array(emitted.values))
          store = OffsetSyncStore(mustReadToEnd: mustReadToEnd)
          for point in syncs.suffix(Int(try value(2))) { store.take(point) }
          store.start()
        case "a":
          switch store.translate(try value(1)) {
          case .offset(let offset): ours = "\(offset)"
          case .tooOld: ours = "-1"
          case .unavailable: ours = "x"
          }
        case "c":
          let made = checkpoints.checkpoint(words[1], upstream: try value(2), store)
          if let made { emitted[words[1]] = made }
          ours = made.map { "\($0.downstream)" } ?? "x"
        case "w":
          let checkpoint = try #require(emitted[words[1]], "line \(number + 1)")
          let written = GroupOffsetSync.write(checkpoint, target: Int64(words[2]), hasMembers: false)
          ours = written.map { "\($0)" } ?? "x"
        default: Issue.record("line \(number + 1) is no step: \(line)")
        }
        guard let ours else { continue }
        compared[kind, default: 0] += 1
        if ours != words.last { differences.append("line \(number + 1): \(line), ours is \(ours)") }
      }
    }

    /// Positions of groups that were translated, as offsets or as checkpoints.
    var positions: Int { (compared["a"] ?? 0) + (compared["c"] ?? 0) }
  }

  @Test func `our answers are those that Apache's mirror gave`() throws {
    let text = String(decoding: try readFile("\(Self.folder)/translations.txt"), as: UTF8.self)
    let agreement = try Agreement(text.split(separator: "\n"))
    #expect(agreement.differences == [])
    #expect(agreement.positions > 1000)
    #expect((agreement.compared["r"] ?? 0) > 5000)
    #expect((agreement.compared["w"] ?? 0) > 100)
  }

  @Test func `an answer that is not Apache's is seen`() throws {
    let text = String(decoding: try readFile("\(Self.folder)/translations.txt"), as: UTF8.self)
    var lines = text.split(separator: "\n")
    let place = try #require(lines.firstIndex { $0.hasPrefix("a ") && !$0.hasSuffix("-1") && !$0.hasSuffix("x") })
    lines[place] += "0"
    let agreement = try Agreement(lines)
    #expect(agreement.differences.count == 1)
    #expect(agreement.differences.first?.hasPrefix("line \(place + 1):") ?? false)
  }

  static let kafkaHome = getenv("KAFKA_HOME").map { String(cString: $0) } ?? ""

  @Test(
    .enabled(if: !kafkaHome.isEmpty, "KAFKA_HOME does not name a Kafka distribution"),
    arguments: [UInt64(2), 3])
  func `Apache's mirror answers as ours does, asked anew`(seed: UInt64) async throws {
    try await withTemporaryDirectory("translate", remove: removeTree) { directory in
      let answers = "\(directory)/answers"
      var request = ProcessRequest(
        "/usr/bin/java",
        [
          "-Xmx256m", "-XX:TieredStopAtLevel=1", "-cp", "\(Self.kafkaHome)/libs/*", "\(Self.folder)/Translate.java",
          "\(seed)", "80", answers,
        ])
      request.logPath = "\(directory)/log"
      let end = await (try ChildProcess(request)).wait()
      let log = String(decoding: try readFile("\(directory)/log"), as: UTF8.self)
      try #require(end == .exited(0), "\(log)")
      let agreement = try Agreement(String(decoding: try readFile(answers), as: UTF8.self).split(separator: "\n"))
      #expect(agreement.differences == [])
      #expect(agreement.positions > 2000)
    }
  }
}
