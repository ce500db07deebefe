internal import FoundationEssentials

/// A case of the corpus of log histories with known verdicts: a history in JSON, in Jepsen's terms.
public struct LogCase: Sendable, Hashable {
  /// The case's name, `lost-write/consistent`.
  public var id: String
  /// Whether order between writes of different transactions counts as a dependency.
  public var ordersWrites: Bool
  /// The history.
  public var history: JepsenHistory

  /// Reads a case.
  ///
  /// - Throws: ``ImportError`` with the place in the history (its line counts events) when it is no such case.
  public init(bytes: [UInt8]) throws(ImportError) {
    let file: LogCaseFile
    do { file = try JSONDecoder().decode(LogCaseFile.self, from: Data(bytes)) } catch {
      throw ImportError(line: 1, what: "no case of a log history: \(shortened(error))")
    }
    id = file.id
    ordersWrites = file.options?.ordersWrites ?? false
    var events: [JepsenEvent] = []
    for (place, entry) in file.history.enumerated() {
      guard let event = entry.event else {
        throw ImportError(line: place + 1, what: "a call '\(entry.f)' without what it is about")
      }
      events.append(event)
    }
    history = JepsenHistory(events: events)
  }
}

/// A case of the corpus of leadership histories with known verdicts.
public struct FencingCase: Sendable, Hashable {
  /// The case's name.
  public var id: String
  /// The length of a lease.
  public var ttl: Int64
  /// The names of the anomalies that must be found.
  public var expected: [String]
  /// Acquisitions (``OperationKind/acquire``) and fenced writes (``OperationKind/write``; ``Operation/position`` is the place
  /// in the order in which the resource accepted), in the order in which they ended.
  public var history: History

  /// Reads a file of cases.
  ///
  /// - Throws: ``ImportError`` when it is no such file.
  public static func read(_ bytes: [UInt8]) throws(ImportError) -> [FencingCase] {
    do {
      return try JSONDecoder().decode(FencingFile.self, from: Data(bytes)).cases.map { $0.fencingCase }
    } catch {
      throw ImportError(line: 1, what: "no file of leadership cases: \(shortened(error))")
    }
  }
}

/// What a JSON decoder complains about, without its types.
func shortened(_ error: any Error) -> String {
  guard let error = error as? DecodingError else { return "\(error)" }
  func place(_ path: [any CodingKey]) -> String {
    path.isEmpty ? "" : " at " + path.map { $0.intValue.map(String.init) ?? $0.stringValue }.joined(separator: ".")
  }
  switch error {
  case .keyNotFound(let key, let context): return "'\(key.stringValue)' is missing\(place(context.codingPath))"
  case .typeMismatch(_, let context), .valueNotFound(_, let context):
    return "a value of another type\(place(context.codingPath))"
  case .dataCorrupted(let context): return context.debugDescription + place(context.codingPath)
  @unknown default: return "\(error)"
  }
}

private struct LogCaseFile: Decodable {
  struct Options: Decodable {
    var ordersWrites: Bool?
    enum CodingKeys: String, CodingKey { case ordersWrites = "ww_deps" }
  }
  var id: String
  var options: Options?
  var history: [Entry]

  struct Entry: Decodable {
    var process: UInt32?
    var time: Int64?
    var type: JepsenEvent.Kind
    var f: String
    var keys: [JepsenValue]?
    var mops: [Step]?

    var event: JepsenEvent? {
      let call: JepsenEvent.Call
      switch (f, keys, mops) {
      case ("assign", let keys?, _), ("subscribe", let keys?, _): call = .partitions(function: f, keys)
      case ("send", _, let steps?), ("poll", _, let steps?), ("txn", _, let steps?):
        let known = steps.compactMap(\.step)
        guard known.count == steps.count else { return nil }
        call = .log(function: f, known)
      default: return nil
      }
      return JepsenEvent(type, call, process: process, time: time)
    }
  }

  struct Step: Decodable {
    var op: String
    var key: JepsenValue?
    var value: JepsenValue?
    var offset: Int64?
    var records: [String: [Record]]?

    var step: JepsenEvent.MicroOperation? {
      switch (op, key) {
      case ("send", let key?): return .send(partition: key, value: value, offset: offset)
      case ("poll", nil):
        let partitions = records?.sorted { $0.key < $1.key }.map { key, records in
          JepsenEvent.PolledPartition(
            partition: JepsenValue(name: key), records: records.map { .init(offset: $0.offset, value: $0.value) })
        }
        return .poll(partitions)
      default: return nil
      }
    }
  }

  struct Record: Decodable {
    var offset: Int64?
    var value: JepsenValue?

    init(from decoder: any Decoder) throws {
      var pair = try decoder.unkeyedContainer()
      offset = try pair.decodeIfPresent(Int64.self)
      value = try pair.decodeIfPresent(JepsenValue.self)
    }
  }
}

extension JepsenValue: Codable {
  /// Decodes a number or a text.
  ///
  /// - Throws: `DecodingError` for anything else.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let number = try? container.decode(Int64.self) {
      self = .integer(number)
    } else {
      self = .text(try container.decode(String.self))
    }
  }

  /// Encodes a number or a text.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .integer(let number): try container.encode(number)
    case .text(let text): try container.encode(text)
    }
  }
}

private struct FencingFile: Decodable {
  var cases: [Case]

  struct Case: Decodable {
    var id: String
    var ttl: Int64
    var events: [Entry]
    var expect: [String]

    var fencingCase: FencingCase {
      var names = NameTable()
      let election = names.node("election")
      let operations = events.map { event in
        var operation = Operation(
          event.f == .acquire ? .acquire : .write, process: UInt32(names.member(event.process).rawValue),
          node: event.resource.map { names.node($0) } ?? election, region: names.node(event.process),
          position: event.acceptSequence, token: event.token, invoked: event.invoke, completed: event.return)
        operation.member = names.member(event.process)
        operation.ttl = event.f == .acquire ? ttl : nil
        operation.leaseEnd = event.leaseEnd
        operation.outcome =
          switch event.status {
          case .ok: .ok
          case .rejected: .fail(names.code("rejected"))
          case .info: .unknown(names.code("info"))
          }
        return operation
      }
      return FencingCase(
        id: id, ttl: ttl, expected: expect,
        history: History(
          header: HistoryHeader(runID: id, monotonicStart: 0, wallStart: 0), names: names, operations: operations))
    }
  }

  struct Entry: Decodable {
    enum Function: String, Decodable { case acquire, write }
    enum Status: String, Decodable { case ok, rejected, info }
    var f: Function
    var process: String
    var token: Int64?
    var resource: String?
    var invoke: Int64
    var `return`: Int64?
    var leaseEnd: Int64?
    var status: Status
    var acceptSequence: Int64?

    enum CodingKeys: String, CodingKey {
      case f, process, token, resource, invoke, `return`, status
      case leaseEnd = "lease_until"
      case acceptSequence = "accept_seq"
    }
  }
}
