internal import Support

/// What a later agent took back of what an earlier one of its run had left on its node.
public struct UndoSuccession: Sendable, Hashable, Codable {
  /// What was done, a sentence each.
  public var done: [String]
  /// What could not be taken back, and why.
  public var left: [String]

  /// What was done and what not.
  public init(done: [String] = [], left: [String] = []) {
    self.done = done
    self.left = left
  }
}

extension UndoRecovery {
  /// Takes back what dead agents of a run have left on a node, as ``recover(stateDirectory:force:)`` does, but in nobody's name who
  /// looks at it: so it touches less. The journal must name this run and this node and no other, and neither its agent nor any of its
  /// guardians may live. What was taken back is noted beside it; it stays when it is damaged, for what it does not tell may be left.
  ///
  /// Can be repeated at any time, from any state. Blocks: some 30 ms an object.
  ///
  /// - Throws: `SystemError` when the journals cannot be read.
  public static func takeOver(stateDirectory: String, run: String, node: String) throws -> UndoSuccession {
    let boot = try bootID()
    var succession = UndoSuccession()
    for directory in try UndoDirectory.all(in: stateDirectory) where directory.run == run {
      do { try takeOver(directory, node: node, boot: boot, &succession) } catch {
        succession.left.append("\(directory.path): \(error)")
      }
    }
    return succession
  }

  private static func takeOver(
    _ directory: UndoDirectory, node: String, boot: String, _ succession: inout UndoSuccession
  ) throws {
    let state = try UndoState(directory)
    guard state.nodes == [node], !state.isHeld(by: directory.process, boot: boot) else { return }
    if let begin = state.begin, begin.boot != boot {
      succession.done.append("nothing to remove of run \(directory.run): the machine was restarted since")
      return try remove(directory)
    }
    // One that lives is at work this very moment, or hangs: then a person must say that it may be overtaken.
    guard !state.guardians.contains(where: \.isAlive) else { return }
    let isLeft = try takeBack(state, directory, &succession)
    if !isLeft, state.defects.isEmpty { try remove(directory) }
  }

  /// Takes back what the journal tells, and notes it where a guardian would.
  ///
  /// - Returns: whether something is left of it.
  private static func takeBack(
    _ state: UndoState, _ directory: UndoDirectory, _ succession: inout UndoSuccession
  ) throws -> Bool {
    var journal: JournalFile?
    var isLeft = false
    for item in state.items.reversed() {
      let what = "(fault \"\(item.record.fault)\" on node \"\(item.record.node)\")"
      let lines: [String]
      do { lines = try item.record.undo(in: item.record.place?.find()) } catch {
        isLeft = true
        succession.left.append("\(error) \(what)")
        continue
      }
      succession.done += lines.map { "\($0) \(what)" }
      do {
        if journal == nil { journal = try directory.nextGuardianJournal() }
        try journal?.append(.undone(number: item.number, lines: lines))
      } catch {
        // Gone it is all the same, and a journal with nothing else in it needs no note, as on a full disk.
        succession.left.append("that it is gone could not be noted: \(error) \(what)")
      }
    }
    return isLeft
  }
}

extension UndoDirectory {
  /// A journal beside those of all guardians that there were.
  fileprivate func nextGuardianJournal() throws -> JournalFile {
    let number = 1 + (try guardianJournals().count)
    return try JournalFile(creating: guardianJournal(number), timebase: .system)
  }
}
