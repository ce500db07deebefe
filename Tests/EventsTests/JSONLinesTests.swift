import Testing

@testable import Events

private func wildHistory(seed: UInt64, count: Int) -> History {
  var samples = Samples(seed: seed)
  let names = sampleNames()
  return History(
    header: HistoryHeader(runID: "run \(seed) \"ü\"", monotonicStart: -1, wallStart: .max), names: names,
    operations: (0..<count).map { _ in samples.wild(names) })
}

private func text(_ lines: String...) -> [UInt8] { Array((lines.joined(separator: "\n") + "\n").utf8) }

private let header = #"{"format":1}"#
private let line = #"{"invoked":1,"kind":"append","node":"east","outcome":"ok","process":1,"region":"east"}"#
private let footer = #"{"count":1,"dropped":0,"end":"closed"}"#

@Suite struct JSONLinesTests {
  @Test func `any history reads back as it was written, extremes included`() throws {
    for seed in UInt64(0)..<60 {
      var history = wildHistory(seed: seed, count: 40)
      if seed % 3 == 0 { history.end = .cut(offset: .max, reason: "it \"stops\"") }
      history.dropped = seed
      #expect(try History(jsonLines: history.jsonLines()) == history, "seed \(seed)")
    }
  }

  @Test func `a text cut at any byte opens to its last whole line and says so`() throws {
    let history = wildHistory(seed: 5, count: 4)
    let bytes = try history.jsonLines()
    let ends = bytes.indices.filter { bytes[$0] == 0x0A }
    for length in 0..<bytes.count {
      let cut = try History(jsonLines: Array(bytes[..<length]))
      let lines = ends.count { $0 < length }
      #expect(cut.operations == Array(history.operations.prefix(max(0, lines - 1))), "cut at \(length)")
      guard case .cut(let offset, _) = cut.end else {
        Issue.record("cut at \(length), but it claims to be closed")
        continue
      }
      #expect(offset <= UInt64(length))
    }
  }

  @Test func `a line written by hand needs its kind, process, places, start and outcome, and nothing else`() throws {
    let history = try History(jsonLines: text(header, line, footer))
    #expect(history.header == nil)
    #expect(history.end == .closed)
    let op = try #require(history.operations.first)
    #expect(
      op
        == Operation(
          .append, process: 1, node: NodeIndex(rawValue: 0), region: NodeIndex(rawValue: 0), invoked: 1, outcome: .ok))
    #expect(history.names.nodes == ["east"])
  }

  @Test(
    arguments: [
      ([header, line.replacing("append", with: "juggle"), footer], 2, "an operation of unknown kind 'juggle'"),
      ([header, line.replacing("invoked", with: "invokd"), footer], 2, "no operation: 'invoked' is missing"),
      ([header, line.replacing("{", with: #"{"offset":3,"#), footer], 2, "no operation: an unknown key at offset"),
      (
        [header, line.replacing("\"ok\"", with: "\"OK\""), footer], 2,
        "an unknown outcome 'OK'; it is ok, fail or unknown"
      ),
      ([header, line.replacing("\"process\":1", with: "\"process\":-1"), footer], 2, nil),
      ([header, line, line, footer], 4, "the footer counts 1 operations, but there are 2"),
      ([header, line, footer, line], 4, "there are bytes after the footer"),
      ([#"{"format":2}"#], 1, "the history has format 2; this version reads up to 1"),
      (["[]"], 1, nil), ([header, ""], 2, nil), ([header, "{"], 2, nil), (["\u{7F}"], 1, nil),
    ] as [([String], Int, String?)])
  func `what is wrong is told with its line`(lines: [String], place: Int, what: String?) throws {
    do {
      _ = try History(jsonLines: Array((lines.joined(separator: "\n") + "\n").utf8))
      Issue.record("read without a word")
    } catch {
      #expect(error.line == place)
      if let what { #expect(error.what == what) }
    }
  }

  @Test func `every kind has a name of its own`() {
    #expect(Set(OperationKind.allCases.map(\.name)).count == OperationKind.allCases.count)
    for kind in OperationKind.allCases { #expect(OperationKind(name: kind.name) == kind) }
    #expect(OperationKind(name: "") == nil)
  }
}
