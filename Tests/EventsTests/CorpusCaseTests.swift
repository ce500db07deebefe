import FoundationEssentials
import Testing

@testable import Events

private let corpus = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .appendingPathComponent("Fixtures/corpus")

private func bytes(_ name: String) throws -> [UInt8] {
  Array(try Data(contentsOf: corpus.appendingPathComponent(name)))
}

private func logCases() throws -> [String] {
  try FileManager.default.contentsOfDirectory(atPath: corpus.path + "/kafka-cases")
    .filter { $0.hasSuffix(".json") && !$0.hasPrefix("_") }.sorted()
}

@Suite struct CorpusCaseTests {
  @Test func `every log case of the corpus reads into operations`() throws {
    let names = try logCases()
    #expect(names.count == 24)
    for name in names {
      let read = try LogCase(bytes: bytes("kafka-cases/" + name))
      let imported = try read.history.imported()
      #expect(read.id == name.replacing("__", with: "/").replacing(".json", with: ""))
      let calls = Set(imported.history.operations.map(\.call))
      #expect(calls.count == read.history.events.count { $0.kind != .invoke } + openCalls(read.history), "\(name)")
    }
  }

  @Test func `a case's sends, polls and failures come through as they are`() throws {
    let imported = try LogCase(bytes: bytes("kafka-cases/G1a__basic.json")).history.imported()
    let operations = imported.history.operations
    let names = imported.history.names
    #expect(operations.map(\.kind) == [.append, .append, .poll])
    #expect(operations.map { $0.partition.flatMap(names.name(of:)) } == ["x", "y", "x"])
    #expect(operations.map(\.event.sequence) == [2, 3, 2])
    #expect(operations.map(\.position) == [nil, nil, 0])
    #expect(operations.map(\.outcome) == [.fail(OutcomeCode(rawValue: 1)), .fail(OutcomeCode(rawValue: 1)), .ok])
    #expect(operations.map(\.invoked) == [0, 0, 2])
    #expect(operations.map(\.completed) == [1, 1, 3])
    #expect(operations[0].call == operations[1].call)
    #expect(!imported.timesArePlaces)
    #expect(imported.values.isEmpty)
  }

  @Test func `texts as values are numbered, and times that do not rise are places`() throws {
    let imported = try LogCase(bytes: bytes("kafka-cases/version-orders__basic.json")).history.imported()
    #expect(imported.timesArePlaces)
    #expect(Set(imported.values.values) == ["a", "b", "c", "d"])
    #expect(imported.history.operations.map(\.event.sequence) == [0, 1, 2, 1, 3])
    #expect(imported.history.operations.map(\.transaction) == [0, 0, 1, 1, 1])
    #expect(imported.history.operations[2].outcome == .unknown(OutcomeCode(rawValue: 1)))
  }

  @Test func `every leadership case of the corpus reads`() throws {
    let cases = try FencingCase.read(bytes("fencing-cases/fencing-cases.json"))
    #expect(cases.map(\.id).count == 9)
    let stale = try #require(cases.first { $0.id == "stale-accept" })
    #expect(stale.expected == ["stale-token-accepted"])
    #expect(stale.history.operations.map(\.kind) == [.acquire, .write, .acquire, .write, .write])
    #expect(stale.history.operations.map(\.position) == [nil, 0, nil, 1, 2])
    #expect(stale.history.operations.map(\.leaseEnd) == [11, nil, 23, nil, nil])
  }

  @Test func `a process with two calls at a time is refused with the place`() {
    let call = JepsenEvent.Call.read(key: nil, value: nil)
    let history = JepsenHistory(events: [
      JepsenEvent(.invoke, call, process: 3, time: 0), JepsenEvent(.invoke, call, process: 3, time: 1),
    ])
    #expect(
      throws: ImportError(
        line: 2, what: "process 3 begins a call, but the one it began in event 1 has not ended")
    ) { try history.imported() }
  }

  @Test func `a call that ends twice is refused with the place`() {
    let call = JepsenEvent.Call.read(key: nil, value: nil)
    let history = JepsenHistory(events: [
      JepsenEvent(.invoke, call, process: 3, time: 0), JepsenEvent(.ok, call, process: 3, time: 1),
      JepsenEvent(.info, call, process: 3, time: 2),
    ])
    #expect(throws: ImportError(line: 3, what: "process 3 ends a call that it has ended in event 2 already")) {
      try history.imported()
    }
  }

  @Test(arguments: ["", "{}", "[]", #"{"id":"a","history":[{"type":"ok","f":"juggle"}]}"#, #"{"id":"a","history":7}"#])
  func `a text that is no case is refused`(text: String) {
    #expect(throws: ImportError.self) { try LogCase(bytes: Array(text.utf8)) }
    #expect(throws: ImportError.self) { try FencingCase.read(Array(text.utf8)) }
  }

  private func openCalls(_ history: JepsenHistory) -> Int {
    var open: Set<UInt32> = []
    for event in history.events {
      guard let process = event.process else { continue }
      if event.kind == .invoke { open.insert(process) } else { open.remove(process) }
    }
    return open.count
  }
}
