import FoundationEssentials
import Testing

@testable import Events

private func history(_ edn: String) throws(ImportError) -> JepsenHistory { try JepsenHistory(edn: Array(edn.utf8)) }

private let log = """
  {:index 0, :type :invoke, :process 0, :f :txn, :value [[:send 5 1] [:poll]], :time 10}
  {:type :invoke :f :poll :value [[:poll]] :process 1 :time 11} ; another
  #jepsen.history.Op{:index 2, :type :ok, :process 0, :f :txn, :value [[:send 5 [0 1]] [:poll {5 [[0 1]], 6 [[3 7]]}]], :time 20}
  {:type :info :f :kill :process :nemesis :value {"n1" :killed} :time 21}
  {:type :info :f :poll :value [[:poll]] :process 1 :time 30 :error [:timeout "no answer"]}
  {:type :invoke :f :assign :value [5 6] :process 2 :time 31}
  {:type :ok :f :assign :value [5 6] :process 2 :time 32}

  """

/// A history that Jepsen could have recorded, with times that rise: seeded.
private func sample(seed: UInt64) -> JepsenHistory {
  var samples = Samples(seed: seed)
  var events: [JepsenEvent] = []
  var open: [UInt32: JepsenEvent.Call] = [:]
  var time: Int64 = 0
  let useTexts = samples.below(3) == 0
  func value(_ samples: inout Samples) -> JepsenValue {
    let number = Int64(samples.below(50))
    return useTexts ? .text(["a", "b c", "\"q\"", ":k"][Int(number % 4)] + String(number)) : .integer(number)
  }
  func partition(_ samples: inout Samples) -> JepsenValue {
    samples.below(2) == 0 ? .integer(Int64(samples.below(3))) : .text("x")
  }
  func completed(_ call: JepsenEvent.Call, _ samples: inout Samples) -> JepsenEvent.Call {
    switch call {
    case .log(let function, let steps):
      return .log(
        function: function,
        steps.map { step in
          switch step {
          case .send(let partition, let value, _):
            return .send(
              partition: partition, value: value, offset: samples.below(4) == 0 ? nil : Int64(samples.below(99)))
          case .poll:
            // A poll gives each partition's records once.
            return .poll(
              ([.integer(0), .text("x")] as [JepsenValue]).filter { _ in samples.below(2) == 0 }.map { partition in
                .init(
                  partition: partition,
                  records: (0...samples.below(3)).map { _ in
                    .init(offset: Int64(samples.below(99)), value: value(&samples))
                  })
              })
          }
        })
    case .queue("dequeue", _): return .queue(function: "dequeue", value(&samples))
    case .read(let key, _): return .read(key: key, value: samples.below(3) == 0 ? nil : Int64(samples.below(9)) - 4)
    default: return call
    }
  }
  for _ in 0..<60 {
    time += 1 + Int64(samples.below(5))
    let process = UInt32(samples.below(5))
    if let call = open.removeValue(forKey: process) {
      let kind = [JepsenEvent.Kind.ok, .ok, .fail, .info][Int(samples.below(4))]
      events.append(
        JepsenEvent(
          kind, kind == .ok ? completed(call, &samples) : call, process: process, time: time,
          error: kind != .ok && samples.below(2) == 0 ? "timeout \(samples.below(2))" : nil))
      continue
    }
    let key: JepsenValue? = samples.below(2) == 0 ? nil : partition(&samples)
    let call: JepsenEvent.Call
    switch samples.below(8) {
    case 0:
      call = .log(
        function: "send",
        (0...samples.below(2)).map { _ in .send(partition: partition(&samples), value: value(&samples), offset: nil) })
    case 1: call = .log(function: "poll", [.poll(nil)])
    case 2:
      call = .log(
        function: "txn", [.send(partition: partition(&samples), value: value(&samples), offset: nil), .poll(nil)])
    case 3:
      call = .partitions(
        function: samples.below(2) == 0 ? "assign" : "subscribe",
        ([.integer(1), .text("x")] as [JepsenValue]).filter { _ in samples.below(2) == 0 })
    case 4: call = .queue(function: "append", value(&samples))
    case 5: call = .read(key: key, value: nil)
    case 6: call = .write(key: key, value: Int64(samples.below(9)))
    default: call = .compareAndSet(key: key, expected: Int64(samples.below(9)), value: Int64(samples.below(9)))
    }
    open[process] = call
    events.append(JepsenEvent(.invoke, call, process: process, time: time))
  }
  return JepsenHistory(events: events)
}

@Suite struct JepsenTests {
  @Test func `a log history becomes operations, one a step`() throws {
    let imported = try history(log).imported()
    let operations = imported.history.operations
    let names = imported.history.names
    #expect(operations.map(\.kind) == [.append, .poll, .poll, .poll, .assign, .assign])
    #expect(operations.map { $0.partition.flatMap(names.name(of:)) } == ["5", "5", "6", nil, "5", "6"])
    #expect(operations.map(\.position) == [0, 0, 3, nil, nil, nil])
    #expect(operations.map(\.event.sequence).prefix(3) == [1, 1, 7])
    #expect(operations[0].event == operations[1].event)
    #expect(operations.map(\.call) == [0, 0, 0, 1, 2, 2])
    #expect(operations.map(\.transaction) == [0, 0, 0, nil, nil, nil])
    #expect(operations.map(\.invoked) == [10, 10, 10, 11, 31, 31])
    guard case .unknown(let code) = operations[3].outcome else { throw HistoryError.closed }
    #expect(names.name(of: code) == #"[:timeout "no answer"]"#)
  }

  @Test func `a register history becomes reads, writes and compare-and-sets, with and without keys`() throws {
    let imported = try history(
      """
      [{:type :invoke :f :write :value 3 :process 0} {:type :ok :f :write :value 3 :process 0}
       {:type :invoke :f :cas :value [3 4] :process 0} {:type :fail :f :cas :value [3 4] :process 0}
       {:type :invoke :f :read :value ["r" nil] :process 0} {:type :ok :f :read :value ["r" -2] :process 0}
       {:type :invoke :f :cas :value ["r" [nil 1]] :process 1}]
      """
    ).imported()
    let operations = imported.history.operations
    #expect(operations.map(\.kind) == [.write, .compareAndSet, .read, .compareAndSet])
    #expect(operations.map(\.value) == [3, 4, -2, 1])
    #expect(operations.map(\.expected) == [nil, 3, nil, nil])
    #expect(operations.map { $0.partition?.rawValue } == [nil, nil, 0, 0])
    #expect(operations.map(\.completed) == [1, 3, 5, nil])
    #expect(imported.timesArePlaces)
  }

  @Test func `a queue's enqueues and dequeues become appends and polls`() throws {
    let imported = try history(
      """
      {:type :invoke :f :enqueue :value 8 :process 0} {:type :info :f :enqueue :value nil :process 0}
      {:type :invoke :f :dequeue :value nil :process 1} {:type :ok :f :dequeue :value 8 :process 1}
      """
    ).imported()
    #expect(imported.history.operations.map(\.kind) == [.append, .poll])
    #expect(imported.history.operations.map(\.event.sequence) == [8, 8])
  }

  @Test func `EDN reads back as it was written`() throws {
    for seed in UInt64(0)..<300 {
      let sample = sample(seed: seed)
      #expect(try JepsenHistory(edn: sample.edn()) == sample, "seed \(seed)")
    }
  }

  @Test func `operations read back from EDN as they were`() throws {
    for seed in UInt64(0)..<300 {
      let imported = try sample(seed: seed).imported()
      let again = try JepsenHistory(
        edn: JepsenHistory(imported.history, values: imported.values).edn()
      ).imported()
      #expect(again == imported, "seed \(seed)")
    }
  }

  @Test func `every case of the corpus survives the way through EDN and through operations`() throws {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("Fixtures/corpus/kafka-cases")
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { !$0.hasPrefix("_") }
      .filter { $0.hasSuffix(".json") }
    #expect(names.count == 24)
    for name in names {
      let read = try LogCase(bytes: Array(try Data(contentsOf: folder.appendingPathComponent(name)))).history
      #expect(try JepsenHistory(edn: read.edn()) == read, "\(name)")
      let imported = try read.imported()
      let again = try JepsenHistory(imported.history, values: imported.values).imported()
      #expect(again.history.operations == imported.history.operations, "\(name)")
    }
  }

  @Test(
    arguments: [
      ("[{:type :ok}", 1, 2, "an event without a function :f"),
      ("\n {:type :maybe :f :send}", 2, 2, "an event without a type; it is :invoke, :ok, :fail or :info"),
      ("{:type :ok :f :juggle :value 1}", 1, 1, nil),
      ("{:type :ok :f :send :value [[:send 1]]}", 1, 1, "a step [:send 1] that is no [:send …] or [:poll …]"),
      ("{:type :ok :f :poll :value [[:poll {1 [[2]]}]]}", 1, 1, "a record [2] that is no [offset value]"),
      ("{:type :ok :f :read :value :a}", 1, 1, "a register's value :a is no number"),
      ("{:type :ok :f :read :process -1}", 1, 1, "a process -1"),
      ("{:type :ok :f :read :time \"late\"}", 1, 1, "a time \"late\" that is no number"),
      ("{:type :ok :f :read", 1, 1, "a bracket that is opened here is never closed"),
      ("{:type}", 1, 1, "a map with a key and no value"),
      ("{:a 99999999999999999999}", 1, 5, "the number 99999999999999999999 is beyond 64 bits"),
      ("{:a \"abc", 1, 5, "a text that begins here never ends"),
      ("[] 5", 1, 4, "there is more after the history's end"),
      ("5", 1, 1, "an event that is no map"),
      ("[", 1, 2, "the history's vector is never closed"),
      (String(repeating: "[", count: 100), 1, 66, "values nest deeper than 64 levels"),
      (String(repeating: "#_", count: 100), 1, 129, "values nest deeper than 64 levels"),
    ] as [(String, Int, Int, String?)])
  func `what is wrong is told with its place`(text: String, line: Int, column: Int, what: String?) {
    do {
      _ = try history(text)
      Issue.record("read without a word")
    } catch {
      #expect((error.line, error.column) == (line, column))
      if let what { #expect(error.what == what) }
    }
  }

  @Test func `an operation that Jepsen has no word for is refused with its place`() throws {
    let operations = [OperationKind.append, .renew].map {
      Operation($0, process: 0, node: NodeIndex(rawValue: 0), region: NodeIndex(rawValue: 0))
    }
    #expect(throws: ImportError(line: 2, what: "an operation 'renew', for which Jepsen has no word")) {
      try JepsenHistory(History(header: nil, names: sampleNames(), operations: operations))
    }
  }

  @Test func `an empty text is an empty history`() throws {
    #expect(try history("").events.isEmpty)
    #expect(try history("[]\n").imported().history.operations.isEmpty)
  }
}
