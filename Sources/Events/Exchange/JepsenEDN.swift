extension JepsenHistory {
  /// Reads a history as Jepsen writes it: maps one after the other, or in one vector.
  ///
  /// Left out are events of the nemesis, and calls that only manage a client (`crash`, `debug-topic-partitions`).
  ///
  /// - Throws: ``ImportError`` with the place when it is no EDN, or holds a call of another workload.
  public init(edn bytes: [UInt8]) throws(ImportError) {
    var reader = EDNReader(bytes)
    var events: [JepsenEvent] = []
    var isVector = false
    if try reader.skipToValue(), reader.next == UInt8(ascii: "[") {
      isVector = true
      reader.step()
    }
    while try reader.skipToValue() {
      if isVector, reader.next == UInt8(ascii: "]") {
        reader.step()
        guard try !reader.skipToValue() else { throw reader.problem("there is more after the history's end") }
        self.init(events: events)
        return
      }
      let place = reader.problem("")
      let value = try reader.value()
      do {
        if let event = try JepsenEvent.read(value) { events.append(event) }
      } catch {
        throw ImportError(line: place.line, column: place.column, what: error.what)
      }
    }
    guard !isVector else { throw reader.problem("the history's vector is never closed") }
    self.init(events: events)
  }

  /// The history as Jepsen writes it, an event a line.
  public func edn() -> [UInt8] {
    var bytes: [UInt8] = []
    for (place, event) in events.enumerated() {
      bytes += Array(event.edn(index: place).description.utf8)
      bytes.append(UInt8(ascii: "\n"))
    }
    return bytes
  }
}

extension JepsenEvent {
  /// The event that a map tells of; `nil` for one that says nothing about the data.
  fileprivate static func read(_ map: EDN) throws(LineProblem) -> JepsenEvent? {
    guard case .map = map else { throw LineProblem(what: "an event that is no map") }
    guard case .keyword(let type)? = map["type"], let kind = Kind(rawValue: type) else {
      throw LineProblem(what: "an event without a type; it is :invoke, :ok, :fail or :info")
    }
    guard case .keyword(let function)? = map["f"] else { throw LineProblem(what: "an event without a function :f") }
    // The nemesis has a name instead of a number.
    if case .keyword? = map["process"] { return nil }
    if function == "crash" || function == "debug-topic-partitions" { return nil }
    let number = try Self.number(map["process"], "a process")
    let process = number.flatMap { UInt32(exactly: $0) }
    guard process != nil || number == nil else { throw LineProblem(what: "a process \(number ?? 0)") }
    let error: String? =
      switch map["error"] {
      case .text(let text)?: text
      case .null?, nil: nil
      case .some(let value): value.description
      }
    return JepsenEvent(
      kind, try Call(function, map["value"] ?? .null), process: process, time: try Self.number(map["time"], "a time"),
      error: error)
  }

  private static func number(_ value: EDN?, _ what: String) throws(LineProblem) -> Int64? {
    switch value {
    case .integer(let number)?: return number
    case .null?, nil: return nil
    case .some(let value): throw LineProblem(what: "\(what) \(value.description) that is no number")
    }
  }

  fileprivate func edn(index: Int) -> EDN {
    var entries: [(String, EDN)] = [
      ("index", .integer(Int64(index))), ("type", .keyword(kind.rawValue)),
      ("process", process.map { .integer(Int64($0)) } ?? .null), ("f", .keyword(call.function)), ("value", call.value),
    ]
    if let time { entries.append(("time", .integer(time))) }
    if let error { entries.append(("error", .text(error))) }
    return .map(entries.map { EDN.Entry(key: .keyword($0.0), value: $0.1) })
  }
}

extension JepsenEvent.Call {
  fileprivate init(_ function: String, _ value: EDN) throws(LineProblem) {
    switch function {
    case "send", "poll", "txn":
      var steps: [JepsenEvent.MicroOperation] = []
      for step in try Self.items(value, "the steps of a call") { steps.append(try .init(step)) }
      self = .log(function: function, steps)
    case "assign", "subscribe":
      var partitions: [JepsenValue] = []
      for partition in try Self.items(value, "the partitions of a call") {
        guard let name = try JepsenValue.read(partition) else { throw LineProblem(what: "a partition without a name") }
        partitions.append(name)
      }
      self = .partitions(function: function, partitions)
    case "append", "enqueue", "dequeue": self = .queue(function: function, try JepsenValue.read(value))
    case "read", "write", "cas": self = try Self.register(function, value)
    default:
      throw LineProblem(
        what: "a call :\(function); known are :send, :poll, :txn, :assign, :subscribe, :append, :enqueue, :dequeue, "
          + ":read, :write and :cas")
    }
  }

  private static func items(_ value: EDN, _ what: String) throws(LineProblem) -> [EDN] {
    if value == .null { return [] }
    guard let items = value.items else { throw LineProblem(what: "\(what) are no list") }
    return items
  }

  /// `[key value]` stands for the register `key`; anything else for the only one.
  private static func register(_ function: String, _ value: EDN) throws(LineProblem) -> Self {
    var (key, content): (JepsenValue?, EDN) = (nil, value)
    if case .vector(let pair) = value, pair.count == 2, function != "cas" || pair[1].items != nil || pair[1] == .null {
      (key, content) = (try JepsenValue.read(pair[0]), pair[1])
    }
    switch function {
    case "read": return .read(key: key, value: try number(content))
    case "write": return .write(key: key, value: try number(content))
    default:
      if content == .null { return .compareAndSet(key: key, expected: nil, value: nil) }
      guard let pair = content.items, pair.count == 2 else { throw LineProblem(what: "a :cas without two values") }
      return .compareAndSet(key: key, expected: try number(pair[0]), value: try number(pair[1]))
    }
  }

  private static func number(_ value: EDN) throws(LineProblem) -> Int64? {
    switch value {
    case .null: return nil
    case .integer(let number): return number
    default: throw LineProblem(what: "a register's value \(value.description) is no number")
    }
  }

  fileprivate var function: String {
    switch self {
    case .log(let function, _), .partitions(let function, _), .queue(let function, _): function
    case .read: "read"
    case .write: "write"
    case .compareAndSet: "cas"
    }
  }

  fileprivate var value: EDN {
    func keyed(_ key: JepsenValue?, _ value: EDN) -> EDN { key.map { .vector([$0.edn, value]) } ?? value }
    func number(_ value: Int64?) -> EDN { value.map { .integer($0) } ?? .null }
    switch self {
    case .log(_, let steps): return .vector(steps.map(\.edn))
    case .partitions(_, let partitions): return .vector(partitions.map(\.edn))
    case .queue(_, let value): return value?.edn ?? .null
    case .read(let key, let value), .write(let key, let value): return keyed(key, number(value))
    case .compareAndSet(let key, nil, nil): return keyed(key, .null)
    case .compareAndSet(let key, let expected, let value):
      return keyed(key, .vector([number(expected), number(value)]))
    }
  }
}

extension JepsenEvent.MicroOperation {
  fileprivate init(_ step: EDN) throws(LineProblem) {
    guard let parts = step.items, case .keyword(let name)? = parts.first else {
      throw LineProblem(what: "a step \(step.description) that is no [:send …] or [:poll …]")
    }
    switch (name, parts.count) {
    case ("send", 3), ("append", 3):
      guard let partition = try JepsenValue.read(parts[1]) else { throw LineProblem(what: "a send to no partition") }
      if case .vector(let pair) = parts[2], pair.count == 2 {
        self = .send(partition: partition, value: try JepsenValue.read(pair[1]), offset: try Self.offset(pair[0]))
      } else {
        self = .send(partition: partition, value: try JepsenValue.read(parts[2]), offset: nil)
      }
    case ("poll", 1): self = .poll(nil)
    case ("poll", 2):
      guard case .map(let entries) = parts[1] else { throw LineProblem(what: "a poll whose records are no map") }
      var partitions: [JepsenEvent.PolledPartition] = []
      for entry in entries { partitions.append(try .init(entry)) }
      self = .poll(partitions)
    default: throw LineProblem(what: "a step \(step.description) that is no [:send …] or [:poll …]")
    }
  }

  fileprivate static func offset(_ value: EDN) throws(LineProblem) -> Int64? {
    switch value {
    case .null: return nil
    case .integer(let number): return number
    default: throw LineProblem(what: "an offset \(value.description)")
    }
  }

  fileprivate var edn: EDN {
    switch self {
    case .send(let partition, let value, let offset):
      let content = value?.edn ?? .null
      return .vector([
        .keyword("send"), partition.edn, offset.map { .vector([.integer($0), content]) } ?? content,
      ])
    case .poll(nil): return .vector([.keyword("poll")])
    case .poll(let partitions?):
      return .vector([
        .keyword("poll"),
        .map(
          partitions.map { polled in
            EDN.Entry(
              key: polled.partition.edn,
              value: .vector(
                polled.records.map {
                  .vector([$0.offset.map { .integer($0) } ?? .null, $0.value?.edn ?? .null])
                }))
          }),
      ])
    }
  }
}

extension JepsenEvent.PolledPartition {
  fileprivate init(_ entry: EDN.Entry) throws(LineProblem) {
    guard let partition = try JepsenValue.read(entry.key), let pairs = entry.value.items else {
      throw LineProblem(what: "a poll whose records are no list of a partition's")
    }
    var records: [JepsenEvent.Record] = []
    for pair in pairs {
      guard let parts = pair.items, parts.count == 2 else {
        throw LineProblem(what: "a record \(pair.description) that is no [offset value]")
      }
      records.append(
        .init(offset: try JepsenEvent.MicroOperation.offset(parts[0]), value: try JepsenValue.read(parts[1])))
    }
    self.init(partition: partition, records: records)
  }
}

extension JepsenValue {
  /// The value of a number, a text or a keyword; `nil` for nothing.
  fileprivate static func read(_ value: EDN) throws(LineProblem) -> JepsenValue? {
    switch value {
    case .null: return nil
    case .integer(let number): return .integer(number)
    case .text(let text), .keyword(let text): return .text(text)
    default: throw LineProblem(what: "a value \(value.description) that is neither a number nor a text")
    }
  }

  fileprivate var edn: EDN {
    switch self {
    case .integer(let number): .integer(number)
    case .text(let text): Self.isKeyword(text) ? .keyword(text) : .text(text)
    }
  }

  private static func isKeyword(_ text: String) -> Bool {
    guard let first = text.utf8.first, (0x61...0x7A).contains(first | 0x20) else { return false }
    return text.utf8.allSatisfy {
      (0x61...0x7A).contains($0 | 0x20) || (0x30...0x39).contains($0) || "-_.".utf8.contains($0)
    }
  }
}
