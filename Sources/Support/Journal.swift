internal import CKernel
internal import Glibc

/// One line of a journal, as it stands in the file.
public struct JournalRecord: Sendable, Hashable, Codable {
  /// Position in the file, from 1, without gaps.
  public var seq: Int
  /// Nanoseconds on the recorder's monotonic clock.
  public var t: Int64
  /// The same moment for people: RFC 3339, UTC.
  public var wall: String
  /// What happened: `fault.arming`, `fault.armed`, `phase.entered`, …
  public var type: String
  /// The particulars; their shape depends on ``type``.
  public var data: JSONValue
  /// ``hash`` of the record before; of the first one, 64 zeros.
  public var prev: String
  /// SHA-256 of this record's line with an empty `hash`.
  public var hash: String
}

/// The file behind a journal, for one thread at a time. Its calls block until the disk has what they wrote.
public struct JournalFile: ~Copyable, Sendable {
  private let descriptor: Int32
  private let timebase: Timebase
  private var count = 0
  private var last = String(repeating: "0", count: 64)
  private var broken: SystemError?

  /// The file, for messages.
  public let path: String

  /// Starts a new journal.
  ///
  /// - Throws: ``SystemError`` if the file exists or cannot be made.
  public init(creating path: String, timebase: Timebase) throws(SystemError) {
    let descriptor = bs_open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND, 0o644)
    guard descriptor >= 0 else { throw SystemError("open", path) }
    do throws(SystemError) {
      try syncDirectory(of: path)  // else a power cut could take the file with all its synced records
    } catch {
      Glibc.close(descriptor)
      throw error
    }
    self.descriptor = descriptor
    self.path = path
    self.timebase = timebase
  }

  deinit {
    Glibc.close(descriptor)
  }

  /// Writes one record and waits until it is on disk.
  ///
  /// - Throws: ``SystemError`` (a full disk, say); the journal then refuses all later records, for a chain with a hole
  ///   proves nothing. `EncodingError` for a number that JSON cannot hold; nothing was written then.
  @discardableResult
  public mutating func append(_ type: String, _ data: JSONValue = [:]) throws -> JournalRecord {
    if let broken { throw broken }
    var record = JournalRecord(
      seq: count + 1, t: timebase.monotonic(), wall: timestamp(timebase.wall()), type: type, data: data, prev: last,
      hash: "")
    record.hash = sha256(try encodeJSON(record))
    let line = try encodeJSON(record) + [UInt8(ascii: "\n")]
    do throws(SystemError) {
      try writeAll(descriptor, line, path)
      if fdatasync(descriptor) != 0 { throw SystemError("fdatasync", path) }
    } catch {
      broken = error
      throw error
    }
    count += 1
    last = record.hash
    return record
  }
}

/// An append-only, hash-chained JSON Lines record of what was done and seen.
///
/// Each `append` is on disk when it returns: call it *before* a change, so that whatever took effect can be found after
/// a crash. A reader needs nothing but SHA-256 to check that no line was altered, dropped or inserted.
public actor Journal {
  private let executor: ThreadExecutor
  private var file: JournalFile
  private let observer: (@Sendable (JournalRecord) -> Void)?

  /// The file, for messages.
  public nonisolated let path: String

  /// Runs on a thread of its own, since every append waits for the disk.
  public nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  /// Starts a new journal.
  ///
  /// - Parameter observer: called with each record after it is on disk, on the journal's thread; the live view.
  /// - Throws: ``SystemError`` if the file exists or cannot be made.
  public init(
    creating path: String, timebase: Timebase, observer: (@Sendable (JournalRecord) -> Void)? = nil
  ) throws(SystemError) {
    file = try JournalFile(creating: path, timebase: timebase)
    executor = try ThreadExecutor(name: "journal")
    self.path = path
    self.observer = observer
  }

  deinit {
    executor.stop()
  }

  /// Writes one record and waits until it is on disk.
  ///
  /// - Throws: as ``JournalFile/append(_:_:)`` does.
  @discardableResult
  public func append(_ type: String, _ data: JSONValue = [:]) throws -> JournalRecord {
    let record = try file.append(type, data)
    observer?(record)
    return record
  }
}

/// What a journal file holds, and how far it can be believed.
public struct JournalContents: Sendable {
  /// The records whose chain is unbroken, in order.
  public var records: [JournalRecord]
  /// Why reading ended before the end of the file, with the line; `nil` if it did not. A last line that is cut off is what
  /// a crash leaves.
  public var defect: String?
  /// Whether nothing but the last line is wrong, which was cut off while it was written.
  public var isMerelyCutOff = false

  /// Reads and verifies a journal.
  ///
  /// - Throws: ``SystemError`` when the file cannot be read.
  public init(path: String) throws(SystemError) {
    records = []
    let bytes = try readFile(path)
    var last = String(repeating: "0", count: 64)
    var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    let rest = lines.popLast() ?? []  // after the last newline there is nothing, or the part that a crash left
    for (number, line) in lines.enumerated() {
      guard var record = try? decodeJSON(JournalRecord.self, from: line) else {  // the defect says it
        defect = "line \(number + 1) is not a whole record"
        return
      }
      let hash = record.hash
      record.hash = ""
      guard record.seq == number + 1, record.prev == last, let plain = try? encodeJSON(record), sha256(plain) == hash
      else {
        defect = "line \(number + 1) does not continue the chain"
        return
      }
      record.hash = hash
      // Byte for byte: a member that nobody decodes would otherwise pass.
      guard let whole = try? encodeJSON(record), whole.elementsEqual(line) else {
        defect = "line \(number + 1) was altered"
        return
      }
      records.append(record)
      last = hash
    }
    if !rest.isEmpty {
      defect = "line \(lines.count + 1) is cut off"
      isMerelyCutOff = true
    }
  }
}
