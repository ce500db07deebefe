internal import Glibc
internal import Support

/// Running something in the name of a stopped process, and leaving no trace of it: registers, the stack's bytes and the
/// signal mask are put back, no code is changed, and no signal is needed to come back.
///
/// Function calls return to an instruction for system calls that the process has anyway (its vDSO holds one). The kernel
/// stops the thread at its entry, where the call is skipped.
struct RemoteCall {
  let process: TracedProcess
  let thread: Int32
  /// Address of an instruction for system calls in the process.
  let gate: UInt64

  #if arch(x86_64)
    private static let gateBytes: UInt64 = 2
    /// What a function may use below the stack pointer without moving it (System V ABI).
    private static let redZone: UInt64 = 128
  #else
    private static let gateBytes: UInt64 = 4
    private static let redZone: UInt64 = 0
  #endif

  private static let frameBytes: UInt64 = 1024
  private static let scratchBytes: UInt64 = 256

  /// A thread fit for it: one that stands in a system call is in the middle of nothing of its own.
  static func thread(of process: TracedProcess) throws(TraceError) -> Int32 {
    let fit = process.threads.filter { process.state(of: $0) == .interrupted }
    for thread in fit {
      let registers = try process.registers(of: thread)
      if registers.isInSystemCall { return thread }
    }
    guard let first = fit.first else {
      throw TraceError(.unexpected("none of its threads can run: job control has stopped it"), process.process)
    }
    return first
  }

  /// Calls the C function at `address`.
  ///
  /// - Parameters:
  ///   - scratch: at most 256 bytes, which it finds in memory.
  ///   - arguments: at most three, made from the scratch's address.
  ///   - measured: called just before the thread starts and just after it has come back.
  /// - Returns: what it returned, and the scratch as it left it.
  /// - Throws: ``TraceError``; the thread then stands where it stood, unless the process is gone.
  func function(
    at address: UInt64, memory: borrowing ProcessMemory, scratch: [UInt8], measured: () -> Void = {},
    arguments: (_ scratch: UInt64) -> [UInt64]
  ) throws(TraceError) -> (result: Int64, scratch: [UInt8]) {
    precondition(scratch.count <= Self.scratchBytes)
    let saved = try process.registers(of: thread)
    let frame = (saved.stack - Self.redZone - Self.frameBytes) & ~15
    let buffer = frame + Self.frameBytes - Self.scratchBytes
    let savedBytes = try memory.read(frame, count: Int(Self.frameBytes))
    let savedMask = try process.signalMask(of: thread)

    var registers = saved
    registers.instruction = address
    registers.setArguments(arguments(buffer))
    registers.stack = buffer
    try memory.write(buffer, scratch)
    #if arch(x86_64)
      registers.stack -= 8
      try memory.write(registers.stack, word: gate)
    #else
      registers.link = gate
    #endif

    let outcome: Result<(Int64, [UInt8]), TraceError>
    do throws(TraceError) {
      // What comes meanwhile waits, as it does for any thread that blocks it.
      try process.setSignalMask(of: thread, ~0)
      try process.skipCall(of: thread, &registers)
      measured()
      let call = try runToGate()
      measured()
      #if arch(x86_64)
        let result = Int64(bitPattern: call.number)
      #else
        let result = Int64(bitPattern: call.arguments[0])
      #endif
      let left = try memory.read(buffer, count: scratch.count)
      try leaveCall(skipping: true)
      outcome = .success((result, left))
    } catch {
      outcome = .failure(error)
    }
    try memory.write(frame, savedBytes)
    try process.setRegisters(of: thread, saved)
    try process.setSignalMask(of: thread, savedMask)
    let value = try outcome.get()
    return (value.0, value.1)
  }

  /// Makes one system call in the thread's name.
  ///
  /// - Returns: what it returned; −errno where it failed.
  func systemCall(_ number: UInt64, _ arguments: [UInt64]) throws(TraceError) -> Int64 {
    let saved = try process.registers(of: thread)
    let savedMask = try process.signalMask(of: thread)
    let outcome: Result<Int64, TraceError>
    do throws(TraceError) {
      try process.setSignalMask(of: thread, ~0)
      var registers = saved
      try process.skipCall(of: thread, &registers)
      registers = try process.registers(of: thread)
      registers.instruction = gate
      registers.setCall(number)
      registers.setArguments(arguments)
      try process.setRegisters(of: thread, registers)
      _ = try runToGate()
      guard try process.runToStop(thread, toCall: true) == .systemCall else {
        throw TraceError(.unexpected("a system call that was made in it did not end as one"), process.process)
      }
      let result = try process.systemCall(of: thread).result
      try leaveCall(skipping: false)
      outcome = .success(result)
    } catch {
      outcome = .failure(error)
    }
    try process.setRegisters(of: thread, saved)
    try process.setSignalMask(of: thread, savedMask)
    return try outcome.get()
  }

  /// Runs to the entry of the system call at the gate, through those that a function makes of its own.
  private func runToGate() throws(TraceError) -> TracedSystemCall {
    for _ in 0..<64 {
      switch try process.runToStop(thread, toCall: true) {
      case .systemCall:
        let call = try process.systemCall(of: thread)
        if call.phase == .entry && call.instruction == gate + Self.gateBytes { return call }
      case .interrupted, .groupStop, .event: continue
      case .signal(let number):
        // SIGSTOP alone cannot be blocked, and faults of the code itself cannot. The first comes again afterwards.
        if number == SIGSTOP {
          try resend(number)
          continue
        }
        throw TraceError(.unexpected("what was called in it got signal \(number)"), process.process)
      }
    }
    throw TraceError(.unexpected("what was called in it did not return"), process.process)
  }

  /// From a stop at a system call to one from which the kernel looks anew at the registers, so that a call in which the
  /// thread stood before is restarted as if nothing had been.
  private func leaveCall(skipping: Bool) throws(TraceError) {
    if skipping {
      var registers = try process.registers(of: thread)
      try process.skipCall(of: thread, &registers)
    }
    try process.interrupt(thread)
    for _ in 0..<8 {
      switch try process.runToStop(thread, toCall: false) {
      case .interrupted, .groupStop: return
      case .signal(let number): try resend(number)
      case .systemCall, .event: continue
      }
    }
    throw TraceError(.didNotStop(thread: thread), process.process)
  }

  private func resend(_ signal: Int32) throws(TraceError) {
    do { try process.process.send(signal) } catch { throw TraceError(.system(error), process.process) }
  }
}

extension ThreadRegisters {
  /// Whether the thread is known to stand inside a system call, which the kernel ends or restarts when it goes on.
  var isInSystemCall: Bool {
    #if arch(x86_64)
      Int64(bitPattern: callNumber) >= 0
    #else
      false  // there the general registers do not tell
    #endif
  }
}
