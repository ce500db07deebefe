internal import Support

/// One line of an undo journal. The agent's journal says what is about to be made and what is gone again; the guardian's
/// says what the guardian did. So each file has one writer, and its chain holds whoever dies when.
enum UndoEntry: Sendable, Hashable {
  /// First line of the agent's: whose it is. After a reboot the process means nothing, and nothing is left.
  case begin(Begin)
  /// A guardian was started.
  case guardian(ProcessIdentity)
  /// Written, and synced, before anything of the record is made.
  case planned(number: UInt64, UndoRecord)
  /// All of it is there.
  case made(number: UInt64)
  /// The guardian sets about taking it back, and why.
  case undoing(number: UInt64, reason: GuardianReason)
  /// All of it is verified gone.
  case undone(number: UInt64, lines: [String])
  /// The guardian could not take it back.
  case failed(number: UInt64, why: String)

  struct Begin: Sendable, Hashable, Codable {
    var run: String
    var process: ProcessIdentity
    var boot: String
  }

  private struct Planned: Codable {
    var number: UInt64
    var record: UndoRecord
  }

  private struct Numbered: Codable {
    var number: UInt64
    var reason: GuardianReason?
    var lines: [String]?
    var why: String?
  }

  var type: String {
    switch self {
    case .begin: "undo.begin"
    case .guardian: "undo.guardian"
    case .planned: "undo.planned"
    case .made: "undo.made"
    case .undoing: "undo.undoing"
    case .undone: "undo.undone"
    case .failed: "undo.failed"
    }
  }

  func data() throws -> JSONValue {
    func value(_ value: some Encodable) throws -> JSONValue {
      try decodeJSON(JSONValue.self, from: encodeJSON(value))
    }
    return switch self {
    case .begin(let begin): try value(begin)
    case .guardian(let process): try value(process)
    case .planned(let number, let record): try value(Planned(number: number, record: record))
    case .made(let number): try value(Numbered(number: number))
    case .undoing(let number, let reason): try value(Numbered(number: number, reason: reason))
    case .undone(let number, let lines): try value(Numbered(number: number, lines: lines))
    case .failed(let number, let why): try value(Numbered(number: number, why: why))
    }
  }

  /// Reads a line back.
  ///
  /// - Throws: ``UndoUnreadable`` for one of a type or shape that this version does not know: somebody later wrote it, and
  ///   what it announces must not be forgotten.
  init(_ line: JournalRecord) throws(UndoUnreadable) {
    func decoded<T: Decodable>(_ type: T.Type) throws(UndoUnreadable) -> T {
      do { return try decodeJSON(type, from: encodeJSON(line.data)) } catch {
        throw UndoUnreadable(line: line.seq, type: line.type)
      }
    }
    switch line.type {
    case "undo.begin": self = .begin(try decoded(Begin.self))
    case "undo.guardian": self = .guardian(try decoded(ProcessIdentity.self))
    case "undo.planned":
      let planned = try decoded(Planned.self)
      self = .planned(number: planned.number, planned.record)
    case "undo.made", "undo.undoing", "undo.undone", "undo.failed":
      let found = try decoded(Numbered.self)
      switch (line.type, found.reason, found.lines, found.why) {
      case ("undo.made", _, _, _): self = .made(number: found.number)
      case ("undo.undoing", let reason?, _, _): self = .undoing(number: found.number, reason: reason)
      case ("undo.undone", _, let lines?, _): self = .undone(number: found.number, lines: lines)
      case ("undo.failed", _, _, let why?): self = .failed(number: found.number, why: why)
      default: throw UndoUnreadable(line: line.seq, type: line.type)
      }
    default: throw UndoUnreadable(line: line.seq, type: line.type)
    }
  }
}

/// A line of an undo journal that this version cannot read.
struct UndoUnreadable: Error, Sendable, Hashable, CustomStringConvertible {
  var line: Int
  var type: String

  var description: String { "line \(line) (\(type)) was written by another version of blackstart" }
}

extension JournalFile {
  /// Writes `entry` and waits until it is on disk.
  mutating func append(_ entry: UndoEntry) throws {
    try append(entry.type, entry.data())
  }
}
