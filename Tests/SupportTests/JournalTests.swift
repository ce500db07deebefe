import Glibc
import Support
import Synchronization
import Testing
import TestSupport

private func scratch(_ body: (String) async throws -> Void) async throws {
  try await withTemporaryDirectory("journal", remove: { try removeTree($0) }, body)
}

/// A time base that counts calls, so that a journal's bytes are known.
private func countingTimebase() -> Timebase {
  let ticks = Atomic<Int64>(0)
  let box = AtomicBox(ticks)
  return Timebase(monotonic: { box.next() }, wall: { 1_795_162_323_250_000_000 })
}

private final class AtomicBox: Sendable {
  let value: Atomic<Int64>
  init(_ value: consuming Atomic<Int64>) { self.value = value }
  func next() -> Int64 { value.wrappingAdd(1, ordering: .relaxed).newValue }
}

private func writeJournal(_ path: String, _ count: Int) async throws -> [JournalRecord] {
  let journal = try Journal(creating: path, timebase: countingTimebase())
  var records: [JournalRecord] = []
  for number in 0..<count {
    records.append(
      try await journal.append("fault.armed", ["node": "eu", "number": .integer(Int64(number)), "f": 0.5]))
  }
  return records
}

@Test func recordsAreOnDiskAndChainedWhenAppendReturns() async throws {
  try await scratch { directory in
    let seen = Mutex<[Int]>([])
    let shared = Shared(seen)
    let path = "\(directory)/j"
    let journal = try Journal(creating: path, timebase: countingTimebase()) { shared.add($0.seq) }
    let first = try await journal.append("phase.entered", ["phase": "baseline"])
    #expect(try JournalContents(path: path).records == [first])
    let second = try await journal.append("phase.entered", ["phase": "fault"])
    let contents = try JournalContents(path: path)
    #expect(contents.records == [first, second])
    #expect(contents.defect == nil)
    #expect(first.prev == String(repeating: "0", count: 64))
    #expect(second.prev == first.hash)
    #expect([first.seq, second.seq] == [1, 2])
    #expect(first.t == 1 && first.wall == "2026-11-20T08:12:03.250Z")
    #expect(shared.all == [1, 2])
  }
}

private final class Shared: Sendable {
  let value: Mutex<[Int]>
  init(_ value: consuming Mutex<[Int]>) { self.value = value }
  func add(_ number: Int) { value.withLock { $0.append(number) } }
  var all: [Int] { value.withLock { $0 } }
}

@Test func anExistingFileIsNotTouched() async throws {
  try await scratch { directory in
    try writeFile("\(directory)/j", [1, 2])
    #expect(throws: SystemError("open", "\(directory)/j", number: EEXIST)) {
      try Journal(creating: "\(directory)/j", timebase: .system)
    }
    #expect(try readFile("\(directory)/j") == [1, 2])
    #expect(throws: SystemError("open", "\(directory)/no/j", number: ENOENT)) {
      try Journal(creating: "\(directory)/no/j", timebase: .system)
    }
  }
}

/// What a crash leaves: the file ends anywhere. The whole records before the cut are there, the rest is said.
@Test func aJournalCutAtAnyByteKeepsItsWholeRecords() async throws {
  try await scratch { directory in
    let records = try await writeJournal("\(directory)/j", 3)
    let bytes = try readFile("\(directory)/j")
    var ends: [Int] = []
    for (offset, byte) in bytes.enumerated() where byte == UInt8(ascii: "\n") { ends.append(offset + 1) }
    #expect(ends.count == 3)
    for cut in 0...bytes.count {
      try writeFile("\(directory)/cut", Array(bytes[..<cut]))
      let contents = try JournalContents(path: "\(directory)/cut")
      let whole = ends.count { $0 <= cut }
      #expect(contents.records == Array(records[..<whole]), "cut at \(cut)")
      #expect((contents.defect == nil) == (cut == 0 || ends.contains(cut)), "cut at \(cut)")
    }
  }
}

@Test func everyAlteredByteIsFound() async throws {
  try await scratch { directory in
    let count = try await writeJournal("\(directory)/j", 2).count
    let bytes = try readFile("\(directory)/j")
    for offset in bytes.indices {
      var altered = bytes
      altered[offset] ^= 1
      try writeFile("\(directory)/altered", altered)
      let contents = try JournalContents(path: "\(directory)/altered")
      #expect(contents.records.count < count && contents.defect != nil, "byte \(offset)")
    }
  }
}

@Test func droppedInsertedSwappedAndWidenedLinesAreFound() async throws {
  try await scratch { directory in
    _ = try await writeJournal("\(directory)/j", 3)
    let text = String(decoding: try readFile("\(directory)/j"), as: UTF8.self)
    let lines = text.split(separator: "\n").map { "\($0)\n" }
    func records(_ lines: [String]) throws -> (Int, String?) {
      try writeFile("\(directory)/x", Array(lines.joined().utf8))
      let contents = try JournalContents(path: "\(directory)/x")
      return (contents.records.count, contents.defect)
    }
    #expect(try records([lines[0], lines[2]]) == (1, "line 2 does not continue the chain"))
    #expect(try records([lines[1], lines[2]]) == (0, "line 1 does not continue the chain"))
    #expect(try records([lines[0], lines[0], lines[1]]) == (1, "line 2 does not continue the chain"))
    #expect(try records([lines[0], lines[2], lines[1]]) == (1, "line 2 does not continue the chain"))
    #expect(try records([lines[0], "\n", lines[1]]) == (1, "line 2 is not a whole record"))
    // A member that no reader decodes leaves the hash as it was.
    let widened = lines[1].replacing(#"{"data""#, with: #"{"a":1,"data""#)
    #expect(widened != lines[1])
    #expect(try records([lines[0], widened, lines[2]]) == (1, "line 2 was altered"))
    #expect(try records([lines[0], lines[1].replacing(":", with: ": ")]).0 == 1)
  }
}

@Test func aFullDiskIsReportedAndTheChainStaysWhole() async throws {
  try #require(getuid() == 0, "mounting a small tmpfs needs root")
  try await scratch { directory in
    let small = "\(directory)/small"
    try makeDirectory(small)
    let mount = try ChildProcess(ProcessRequest("/bin/mount", ["-t", "tmpfs", "-o", "size=16k", "none", small]))
    #expect(await mount.wait() == .exited(0))
    let journal = try Journal(creating: "\(small)/j", timebase: .system)
    var written = 0
    var failure: SystemError?
    while failure == nil && written < 1000 {
      do {
        try await journal.append("fault.armed", ["node": "eu"])
        written += 1
      } catch let error as SystemError {
        failure = error
      }
    }
    #expect(failure == SystemError("write", "\(small)/j", number: ENOSPC))
    #expect(written > 0)
    await #expect(throws: SystemError.self) { try await journal.append("later") }
    let contents = try JournalContents(path: "\(small)/j")
    #expect(contents.records.count == written)
    #expect(contents.defect?.hasSuffix("is cut off") == true)
    let unmount = try ChildProcess(ProcessRequest("/bin/umount", ["-l", small]))
    #expect(await unmount.wait() == .exited(0))
  }
}

/// A number that JSON has no word for is refused before anything is written.
@Test func aRecordThatCannotBeWrittenLeavesTheJournalUsable() async throws {
  try await scratch { directory in
    let journal = try Journal(creating: "\(directory)/j", timebase: .system)
    await #expect(throws: (any Error).self) { try await journal.append("x", ["v": .number(.infinity)]) }
    try await journal.append("x", ["v": .number(-0.0), "w": .number(1e20), "u": .number(0.1)])
    let contents = try JournalContents(path: "\(directory)/j")
    #expect(contents.defect == nil)
    #expect(contents.records.count == 1)
  }
}

@Test func aMissingJournalIsAnError() {
  #expect(throws: SystemError("open", "/nonexistent/j", number: ENOENT)) { try JournalContents(path: "/nonexistent/j") }
}
