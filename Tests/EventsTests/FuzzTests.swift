import FoundationEssentials
import Testing

@testable import Events

/// Changes `bytes` as transfers, disks and editors do: bits, bytes, cuts, doubled and swapped pieces.
private func mutated(_ bytes: [UInt8], _ samples: inout Samples) -> [UInt8] {
  var bad = bytes
  for _ in 0...samples.below(3) where !bad.isEmpty {
    let place = Int(samples.below(UInt64(bad.count)))
    let other = Int(samples.below(UInt64(bad.count)))
    switch samples.below(7) {
    case 0: bad[place] ^= 1 << UInt8(samples.below(8))
    case 1: bad[place] = UInt8(truncatingIfNeeded: samples.bits())
    case 2: bad.removeLast(bad.count - place)
    case 3: bad.remove(at: place)
    case 4: bad.insert(UInt8(truncatingIfNeeded: samples.bits()), at: place)
    case 5: bad.insert(contentsOf: bad[min(place, other)..<min(max(place, other), min(place, other) + 64)], at: place)
    default: bad.swapAt(place, other)
    }
  }
  return bad
}

/// Every parser yields a value or an error that names the place; it never traps, and never takes memory beyond its input's.
///
/// `BLACKSTART_FUZZ` is the number of mutations a parser, 300 where it is not set.
@Suite struct FuzzTests {
  private let rounds = Int(ProcessInfo.processInfo.environment["BLACKSTART_FUZZ"] ?? "") ?? 300

  private func fuzz(_ seed: UInt64, _ good: [UInt8], _ parse: ([UInt8]) throws -> Int, limit: Int) throws {
    var samples = Samples(seed: seed)
    var accepted = 0
    for round in 0..<rounds {
      let bad = mutated(good, &samples)
      do {
        accepted += 1
        let count = try parse(bad)
        #expect(count <= limit, "round \(round): \(count) values from \(bad.count) bytes")
      } catch {
        accepted -= 1
        let namesPlace = "\(error)".contains { $0.isNumber }
        #expect(namesPlace, "round \(round): '\(error)' names no place")
      }
    }
    // Mutations that change nothing that matters exist, but a parser that takes everything checks nothing.
    #expect(accepted < rounds)
  }

  private func history(_ blocks: Int, close: Bool) -> [UInt8] {
    var samples = Samples(seed: 17)
    var writer = HistoryWriter(headerSize: HistoryHeader(runID: "r", monotonicStart: 1, wallStart: 2).encoded().count)
    var bytes = HistoryHeader(runID: "r", monotonicStart: 1, wallStart: 2).encoded()
    for _ in 0..<blocks {
      let batch = writer.encode((0..<6).map { _ in samples.wild(sampleNames()) }[...], names: sampleNames(), dropped: 1)
      bytes += batch.bytes
      writer.commit(batch)
    }
    return close ? bytes + writer.encodeEnd(names: sampleNames(), dropped: 1) : bytes
  }

  @Test func `a history file`() throws {
    for close in [true, false] {
      try fuzz(1, history(4, close: close), { try History(bytes: $0).operations.count }, limit: 24)
      try fuzz(
        2, history(4, close: close),
        { bytes in
          let file = try HistoryFile(bytes: bytes)
          return try file.index.reduce(0) { try $0 + file.operations(of: $1).count }
        }, limit: 24)
    }
  }

  @Test func `a history file whose checksums were made to fit`() throws {
    var samples = Samples(seed: 18)
    let good = (0..<12).map { _ in samples.wild(sampleNames()) }
    try fuzz(3, OperationColumns.encode(good[...]), { try OperationColumns.decode($0, count: 12).count }, limit: 12)
  }

  @Test func `a history file of format 1, with and without checksums made to fit`() throws {
    let bytes = try recordedHistory()
    try fuzz(4, bytes, { try History(bytes: $0).operations.count }, limit: 10_000)
    let (raw, count) = try firstColumns(of: bytes)
    try fuzz(5, raw, { try OperationColumns1.decode($0, count: count).count }, limit: count)
  }

  @Test func `JSON Lines`() throws {
    var samples = Samples(seed: 19)
    let history = History(
      header: HistoryHeader(runID: "r", monotonicStart: 1, wallStart: 2), names: sampleNames(),
      operations: (0..<6).map { _ in samples.wild(sampleNames()) })
    try fuzz(6, history.jsonLines(), { try History(jsonLines: $0).operations.count }, limit: 12)
  }

  @Test func `EDN`() throws {
    let text = """
      [{:index 0, :type :invoke, :process 0, :f :txn, :value [[:send 5 1] [:poll]], :time 10} ; a note
       #jepsen.history.Op{:type :ok, :process 0, :f :txn, :value [[:send 5 [0 1]] [:poll {5 [[0 1]], :x [[3 7]]}]], :time 2e1}
       {:type :info :f :kill :process :nemesis :value #{"n\\u00fc1" :killed} :error (a -1.5 8N)}
       {:type :invoke :f :cas :value ["r" [nil 1]] :process 1} {:type :ok :f :cas :value ["r" [2 1]] :process 1}
       #_ {:dropped true} {:type :ok :f :assign :value [5 6] :process 2 :time 32}]
      """
    try fuzz(
      7, Array(text.utf8), { try JepsenHistory(edn: $0).imported().history.operations.count }, limit: text.utf8.count)
  }

  @Test func `a dump`() throws {
    let dump = Dump(
      store: "eu", source: "s", takenAt: "t",
      rows: (0..<4).map {
        AcceptRow(resource: "r", sequence: $0, token: 7 - $0, event: EventID(producer: 1, sequence: 2))
      })
    try fuzz(8, dump.encoded(), { try Dump<AcceptRow>(bytes: $0).rows.count }, limit: 8)
  }

  @Test func `the corpus' cases`() throws {
    let corpus = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("Fixtures/corpus")
    let log = Array(try Data(contentsOf: corpus.appendingPathComponent("kafka-cases/poll-skip__basic.json")))
    try fuzz(9, log, { try LogCase(bytes: $0).history.imported().history.operations.count }, limit: log.count)
    let fencing = Array(try Data(contentsOf: corpus.appendingPathComponent("fencing-cases/fencing-cases.json")))
    try fuzz(10, fencing, { try FencingCase.read($0).count }, limit: 100)
  }
}

/// The history of the recorded drill, which is of format 1.
func recordedHistory() throws -> [UInt8] {
  let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  return Array(try Data(contentsOf: fixtures.appendingPathComponent("Fixtures/recorded-blackout/history.bsh")))
}

/// The first block of operations of a file of format 1, decompressed.
func firstColumns(of bytes: [UInt8]) throws -> (raw: [UInt8], count: Int) {
  let entry = try #require(try History(bytes: bytes).index.first)
  let source = HistorySource.memory(bytes)
  guard case .whole(let block) = try source.blockHeader(at: entry.offset, version: 1),
    case .whole(let raw) = try source.content(of: block, at: entry.offset, version: 1)
  else { throw HistoryError.closed }
  return (raw, Int(block.count))
}
