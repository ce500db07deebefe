internal import Glibc
internal import Support
internal import Synchronization

extension Console {
  /// Whether a person can be asked: standard input is a terminal.
  var canAsk: Bool { isatty(STDIN_FILENO) == 1 }

  /// Asks whether something may be done and waits for the answer.
  ///
  /// - Throws: ``Problem`` with ``ExitCode/aborted`` when the answer is no; `CancellationError` when nobody waits any more.
  func confirm(_ what: String) async throws {
    guard try await answer(what) else {
      throw Problem(.aborted, "stopped by the operator before: \(what)")
    }
  }

  /// Asks a question and waits for the answer, yes or no.
  ///
  /// - Throws: `CancellationError` when nobody waits any more.
  func answer(_ what: String) async throws -> Bool {
    let isCancelled = Cancelled()
    let answer = try await withTaskCancellationHandler {
      try await onOwnThread("question") { ask(what, isCancelled) }
    } onCancel: {
      isCancelled.flag.store(true, ordering: .releasing)
    }
    try Task.checkCancellation()
    return answer
  }

  private func ask(_ what: String, _ cancelled: Cancelled) -> Bool {
    note("\n? \(what)\n  Enter: yes   q: no > ")
    var line: [UInt8] = []
    while !cancelled.flag.load(ordering: .acquiring) {
      var entry = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
      // Short, so that a run that ends meanwhile does not wait for the person.
      guard poll(&entry, 1, 200) > 0 else { continue }
      var byte: UInt8 = 0
      // A terminal that went away answers no.
      guard read(STDIN_FILENO, &byte, 1) == 1 else { return false }
      if byte != UInt8(ascii: "\n") {
        line.append(byte)
        continue
      }
      switch String(decoding: line, as: UTF8.self).lowercased() {
      case "", "y", "yes": return true
      case "q", "n", "no", "quit", "stop": return false
      default:
        note("  Enter or q > ")
        line = []
      }
    }
    return false
  }
}

/// Set when the one who asked no longer waits.
private final class Cancelled: Sendable {
  let flag = Atomic(false)
}
