internal import Support

/// Where one agent process keeps its undo journal: `STATE/faults/RUN.PID.TICKS`, so that its owner is known from the
/// directory's first instant. It is made before the first thing that needs an undo, and removed when nothing is left.
struct UndoDirectory: Sendable, Hashable {
  let path: String
  let run: String
  let process: ProcessIdentity

  init(stateDirectory: String, run: String, process: ProcessIdentity) {
    self.run = run
    self.process = process
    path = "\(Self.root(stateDirectory))/\(run).\(process.pid).\(process.startTicks)"
  }

  private init?(root: String, name: String) {
    let parts = name.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count >= 3, let ticks = UInt64(parts[parts.count - 1]), let pid = Int32(parts[parts.count - 2]) else {
      return nil
    }
    run = parts.dropLast(2).joined(separator: ".")
    process = ProcessIdentity(pid: pid, startTicks: ticks)
    path = "\(root)/\(name)"
  }

  /// What the agent writes.
  var journal: String { "\(path)/agent.jsonl" }

  /// What the agent's guardian writes; a guardian that was started in place of another has a journal of its own.
  func guardianJournal(_ number: Int) -> String { "\(path)/guardian-\(number).jsonl" }

  func guardianJournals() throws(SystemError) -> [String] {
    try listDirectory(path).filter { $0.hasPrefix("guardian-") }.map { "\(path)/\($0)" }
  }

  /// All of a state directory.
  static func all(in stateDirectory: String) throws(SystemError) -> [UndoDirectory] {
    let root = root(stateDirectory)
    return try listDirectory(root).compactMap { UndoDirectory(root: root, name: $0) }
  }

  private static func root(_ stateDirectory: String) -> String { "\(stateDirectory)/faults" }
}

/// What the journals of one agent say is to be taken back, and by whom.
struct UndoState: Sendable {
  /// One record that was planned and is not known to be gone.
  struct Item: Sendable, Hashable {
    var number: UInt64
    var record: UndoRecord
    /// When it was written down: RFC 3339, UTC.
    var since: String
    /// Why the guardian could not take it back, if it tried.
    var failure: String?
  }

  /// In the order in which they were planned.
  var items: [Item] = []
  /// What the guardian took back, in words.
  var undoneByGuardian: [String] = []
  var begin: UndoEntry.Begin?
  /// Guardians that were started, the last one last.
  var guardians: [ProcessIdentity] = []
  /// The nodes of all records that were ever planned.
  var nodes: Set<String> = []
  /// What is wrong with the journals beyond the cut last line that a crash leaves.
  var defects: [String] = []

  init(_ directory: UndoDirectory) throws(SystemError) {
    var records: [UInt64: UndoRecord] = [:]
    for path in [directory.journal] + (try directory.guardianJournals()) {
      guard fileExists(path) else { continue }  // nothing is made before it is there
      let contents = try JournalContents(path: path)
      // A last line that is cut off announced something that was not done.
      if let defect = contents.defect, !defect.hasSuffix("is cut off") { defects.append("\(path): \(defect)") }
      for line in contents.records {
        let entry: UndoEntry
        do { entry = try UndoEntry(line) } catch {
          defects.append("\(path): \(error)")
          continue
        }
        switch entry {
        case .begin(let begin): self.begin = begin
        case .guardian(let process): guardians.append(process)
        case .planned(let number, let record):
          records[number] = record
          nodes.insert(record.node)
          items.append(Item(number: number, record: record, since: line.wall))
        case .made, .undoing: break
        case .undone(let number, let lines):
          items.removeAll { $0.number == number }
          if path != directory.journal, let record = records[number] {
            undoneByGuardian += lines.filter { $0.hasPrefix("removed ") }.map {
              "\($0) (fault \"\(record.fault)\" on node \"\(record.node)\")"
            }
          }
        case .failed(let number, let why):
          for index in items.indices where items[index].number == number { items[index].failure = why }
        }
      }
    }
  }
}
