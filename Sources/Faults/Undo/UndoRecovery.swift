internal import Glibc
internal import Netlink
public import Support

/// What one agent process holds, or left, on this machine; for `recover --list`.
public struct UndoListing: Sendable, Hashable {
  /// One fault whose remains are to be taken back.
  public struct Item: Sendable, Hashable {
    /// The fault.
    public var fault: String
    /// The node it is on.
    public var node: String
    /// Where: `namespace "bs-lab-eu"`.
    public var place: String
    /// What is there: `ifb bs0123456789ab`.
    public var objects: [String]
    /// When it was written down: RFC 3339, UTC.
    public var since: String
    /// The longest it may live.
    public var leaseMilliseconds: Int64
    /// Why the guardian could not take it back, if it tried.
    public var failure: String?
  }

  /// The run.
  public var run: String
  /// The process that holds it.
  public var process: ProcessIdentity
  /// Whether that process runs. If not, all of this is to be taken back.
  public var isHeld: Bool
  /// What there is.
  public var items: [Item]
  /// What is wrong with its journals.
  public var defects: [String]
}

/// Takes back, after the end of both an agent and its guardian, what their faults left: from the undo journals alone,
/// whatever state they are in.
public enum UndoRecovery {
  /// What is held or left, by process. Changes nothing. Blocks.
  ///
  /// - Throws: `SystemError` when the journals cannot be read.
  public static func list(stateDirectory: String) throws -> [UndoListing] {
    let boot = try bootID()
    return try UndoDirectory.all(in: stateDirectory).map { directory in
      let state = try UndoState(directory)
      return UndoListing(
        run: directory.run, process: directory.process, isHeld: state.isHeld(by: directory.process, boot: boot),
        items: state.items.map { item in
          UndoListing.Item(
            fault: item.record.fault, node: item.record.node,
            place: item.record.place.map { "\($0)" } ?? "this machine",
            objects: item.record.actions.map { "\($0)" }, since: item.since,
            leaseMilliseconds: item.record.leaseMilliseconds, failure: item.failure)
        }, defects: state.defects)
    }
  }

  /// Where a process keeps its undo journal, once it needs one.
  public static func journal(stateDirectory: String, run: String, process: ProcessIdentity) -> String {
    UndoDirectory(stateDirectory: stateDirectory, run: run, process: process).journal
  }

  /// What taking back came to.
  public struct Attempt: Sendable {
    /// What was done, a sentence each; empty if there was nothing to do.
    public var done: [String] = []
    /// What is left, and what may be (recoveryIncomplete).
    public var failures: [Problem] = []
  }

  /// Takes back what dead processes left, and tries everything. Can be repeated at any time, from any state. Blocks: some 30 ms an
  /// object.
  ///
  /// - Parameter force: also what living processes hold. They are ended first, for their rules still steer packets.
  /// - Throws: `SystemError` when the journals cannot be listed.
  public static func attempt(stateDirectory: String, force: Bool = false) throws -> Attempt {
    let boot = try bootID()
    var attempt = Attempt()
    for directory in try UndoDirectory.all(in: stateDirectory) {
      do { try recover(directory, boot: boot, force: force, &attempt.done) } catch let problem as Problem {
        attempt.failures.append(problem)
      } catch {
        attempt.failures.append(
          Problem(
            .recoveryIncomplete, at: directory.path, "\(error)", fix: "mend the cause, then run: blackstart recover"))
      }
    }
    return attempt
  }

  /// Does the same.
  ///
  /// - Returns: what was done, a sentence each; empty if there was nothing to do.
  /// - Throws: `Problems` (recoveryIncomplete) naming what is left, after trying everything.
  public static func recover(stateDirectory: String, force: Bool = false) throws -> [String] {
    let attempt = try attempt(stateDirectory: stateDirectory, force: force)
    if !attempt.failures.isEmpty { throw Problems(attempt.failures) }
    return attempt.done
  }

  private static func recover(
    _ directory: UndoDirectory, boot: String, force: Bool, _ done: inout [String]
  ) throws {
    var state = try UndoState(directory)
    if state.isHeld(by: directory.process, boot: boot) {
      guard force else { return }
      try directory.process.send(Signal.kill)
      guard directory.process.waitUntilGone(limit: .seconds(5)) else {
        throw Problem(
          .recoveryIncomplete, at: "run \(directory.run)", "process \(directory.process) ignores SIGKILL",
          fix: "end it, then run: blackstart recover")
      }
      done.append("ended \(directory.process), which held the faults of run \(directory.run)")
    }
    let isSameBoot = state.begin.map { $0.boot == boot } ?? true
    if isSameBoot {
      // A guardian that lives is at work this very moment; one that is stopped or hung is not waited for long.
      for guardian in state.guardians { _ = guardian.waitUntilGone(limit: .seconds(2)) }
      state = try UndoState(directory)
      try takeBack(state, directory, &done)
    } else if !state.items.isEmpty {
      done.append("nothing to remove of run \(directory.run): the machine was restarted since")
    }
    try remove(directory)
  }

  /// A guardian that was started in the last moment of its agent may just be writing its first line there; it ends at once.
  static func remove(_ directory: UndoDirectory) throws(SystemError) {
    for _ in 0..<20 {
      do throws(SystemError) { return try removeTree(directory.path) } catch {
        guard error.number == ENOTEMPTY else { throw error }
        usleep(50_000)
      }
    }
    try removeTree(directory.path)
  }

  private static func takeBack(_ state: UndoState, _ directory: UndoDirectory, _ done: inout [String]) throws {
    done += state.undoneByGuardian.map { "the guardian had \($0)" }
    var left: [String] = []
    for item in state.items.reversed() {
      let what = "(fault \"\(item.record.fault)\" on node \"\(item.record.node)\")"
      do { done += try item.record.undo(in: item.record.place?.find()).map { "\($0) \(what)" } } catch {
        left.append("\(error) \(what)")
      }
    }
    // Where a journal cannot be read to its end, what it announced is looked for in the kernel.
    if !state.defects.isEmpty { done += try Stray.all(ofRun: directory.run).map { try $0.remove() } }
    guard left.isEmpty else {
      throw Problem(
        .recoveryIncomplete, at: "run \(directory.run)", left.joined(separator: "; "),
        fix: "mend the cause, then run: blackstart recover; the journal is kept in \(directory.path)")
    }
    // A process that stands still, or a limit, bears no name of ours: nobody can tell that there is none.
    guard state.defects.isEmpty else {
      throw Problem(
        .recoveryIncomplete, at: "run \(directory.run)",
        "its undo journal is damaged (\(state.defects.joined(separator: "; "))): what can be read of it is taken back, and so are "
          + "its devices; what else it told of may be left, such as a process that was stopped, a limit of a control group or a mount",
        fix: "look for these on this machine, and then remove \(directory.path)")
    }
  }
}

extension UndoState {
  /// Whether a living process answers for it: that of the directory's name, started on this boot.
  func isHeld(by process: ProcessIdentity, boot: String) -> Bool {
    (begin.map { $0.boot == boot } ?? true) && process.isAlive
  }
}
