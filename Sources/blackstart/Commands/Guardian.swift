internal import Faults
internal import Support

extension Commands {
  /// What a process that holds faults starts to answer for it; not for people.
  static let guardian = Command(
    name: "guardian", operands: ["JOURNAL"],
    summary: "Takes back what the faults of a process leave, when it is gone or silent.", isInternal: true
  ) { invocation, _ in
    Guardian.shieldProcess()
    let journal = invocation.operands[0]
    // Standard input is the connection to the process that started it.
    let isClean = try await onOwnThread("guardian") { try Guardian.serve(descriptor: 0, journal: journal) }
    return isClean ? .pass : .recoveryIncomplete
  }
}
