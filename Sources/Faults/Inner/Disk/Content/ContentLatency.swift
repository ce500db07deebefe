internal import Glibc
internal import PassThrough
public import Support

/// How the use of files' content is made late: whoever reads or writes one waits before it is done (fanotify(7), Linux 6.14).
public struct ContentLatency: Sendable, Hashable, Codable {
  /// The directory, with all that are in it when the fault is armed.
  public var directory: String
  /// Which files, by their path below it.
  public var paths: PathPattern
  /// How much later.
  public var latency: FileLatency
  /// How many of the uses, 0 < p ≤ 1; the n-th is hit or spared by the n-th draw from the fault's seed.
  public var probability: Double

  /// Makes the use of files below `directory` later.
  public init(_ directory: String, _ latency: FileLatency, of paths: PathPattern = .all, probability: Double = 1) {
    self.directory = directory
    self.paths = paths
    self.latency = latency
    self.probability = probability
  }

  var rule: FileRule {
    FileRule(paths: paths, operations: [.read], probability: probability, effect: .latency(latency))
  }
}

/// A process that is asked before files are used. The kernel lets all go on when it ends; one that hangs must be ended.
public struct ContentHold: Sendable, Hashable, Codable {
  /// The process.
  public var holder: ProcessIdentity
  /// What it is asked about.
  public var directory: String

  /// Whether it is alive and is asked.
  ///
  /// - Throws: ``SystemError`` where that cannot be seen: who lives and cannot be looked into may still be asked.
  private func isHeld() throws(SystemError) -> Bool {
    guard holder.isAlive else { return false }
    for descriptor in try listDirectory("/proc/\(holder.pid)/fdinfo") {
      do {
        let text = try readFile("/proc/\(holder.pid)/fdinfo/\(descriptor)")
        if String(decoding: text, as: UTF8.self).contains("\nfanotify ino:") { return true }
      } catch {
        // It has closed that one meanwhile, or has ended.
        if error.number != ENOENT, holder.isAlive { throw error }
      }
    }
    return false
  }

  /// Ends the holder, if files still wait for it.
  func release() throws -> UndoAction.Result {
    guard try isHeld() else { return .endedByItself("ended with its holder") }
    let wasEnded = try holder.send(Signal.kill)
    guard holder.waitUntilGone(limit: .seconds(2)) else {
      throw SystemError("fanotify", "\(holder), which is still asked before files are used", number: EBUSY)
    }
    return wasEnded ? .removed : .endedByItself("ended with its holder")
  }
}
