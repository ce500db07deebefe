internal import Glibc
internal import Support

/// How the vDSO of every process that one fault redirected becomes the kernel's again, byte for byte.
///
/// Processes are found by the fault's number in their stub, and not by a list: children that were forked from a redirected
/// process are redirected too, whoever knows of them, and no process that is not can ever be touched.
public struct ClockUndo: Sendable, Hashable, Codable {
  /// The fault's number.
  var tag: UInt64
  /// Bytes of the whole vDSO.
  var size: Int
  /// Its SHA-256 before.
  var digest: String
  var jumps: [VDSOPatch.Change]
  var stub: VDSOPatch.Change
  /// How the stub calls the original, which says how it can be told whether somebody is inside.
  var keepsFastPath: Bool
  var keepsFrame: Bool

  /// Takes all of it back and verifies that it is gone.
  func perform() throws -> UndoAction.Result { try restoreAll().isEmpty ? .absent : .removed }

  /// Gives every process its clocks back. Blocks: some 0.1 ms a process, and as much for each that is redirected.
  ///
  /// - Returns: which were redirected and no longer are.
  /// - Throws: `Problems` naming those that still are.
  func restoreAll() throws -> [ProcessIdentity] {
    var restored: [ProcessIdentity] = []
    var failures: [String] = []
    // A process can fork between being looked at and being restored; its child is met in the next round.
    for _ in 0..<10 {
      let found = try redirected()
      if found.isEmpty { break }
      failures = []
      for process in found {
        do {
          try restore(process)
          restored.append(process)
        } catch {
          if process.isAlive { failures.append("\(error)") }
        }
      }
    }
    let left = try redirected()
    guard left.isEmpty else {
      throw SystemError(
        "restore",
        failures.isEmpty ? left.map(\.description).joined(separator: ", ") : failures.joined(separator: "; "),
        number: EBUSY)
    }
    return restored
  }

  /// Every process that carries the fault's number.
  func redirected() throws -> [ProcessIdentity] {
    let own = getpid()
    return try listDirectory("/proc").compactMap { name in
      guard let pid = Int32(name), pid != own, VDSOMapping.start(of: pid) != nil, let process = ProcessIdentity(of: pid)
      else { return nil }
      return try SkewedProcess(process, redirectedBy: self) == nil ? nil : process
    }
  }

  /// Gives one process its clocks back, and compares every byte.
  func restore(_ process: ProcessIdentity) throws {
    try TracerThread.once { tracer in
      guard let skewed = try SkewedProcess(process, redirectedBy: self) else { return }
      _ = try skewed.restore(tracer)
      guard try skewed.digest() == digest else {
        throw TraceError(.unexpected("its vDSO is not what it was: somebody else has changed it too"), process)
      }
    }
  }
}

extension ClockUndo: CustomStringConvertible {
  /// `clock redirection 91ab34…`.
  public var description: String { "clock redirection \(String(tag, radix: 16))" }
}
