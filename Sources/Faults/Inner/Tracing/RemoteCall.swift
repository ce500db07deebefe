internal import CKernel
internal import Glibc
internal import Support

/// Running something in the name of a stopped process, and leaving no trace of it: registers, the stack's bytes and the
/// signal mask are put back, no code is changed, and no signal is needed to come back.
///
/// A function returns to code of ours (``StubX86``), where the thread takes all of that back by itself, from a record that was
/// laid below its stack before anything of it was changed. The kernel stops it at the system call there, and we do the same;
/// but killed at whatever instant, we leave a thread that goes on where it stood, in a system call too.
struct RemoteCall {
  let process: TracedProcess
  let thread: Int32
  /// Address of an instruction for system calls in the process; for functions, of the one behind ``comeBack``.
  let gate: UInt64
  /// Where a function returns to. `nil`: to the gate, and then only we can bring the thread back.
  var comeBack: UInt64?

  #if arch(x86_64)
    private static let gateBytes: UInt64 = 2
    /// What a function may use below the stack pointer without moving it (System V ABI).
    private static let redZone: UInt64 = 128
  #else
    private static let gateBytes: UInt64 = 4
    private static let redZone: UInt64 = 0
  #endif

  /// How long each stretch of it may take: the others run meanwhile, and on a busy machine it waits for a processor.
  private static let limit = Duration.seconds(1)
  private static let frameBytes: UInt64 = 640
  private static let scratchBytes: UInt64 = 64

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
  ///   - scratch: at most 64 bytes, which it finds in memory.
  ///   - arguments: at most three, made from the scratch's address.
  ///   - measured: called just before the thread starts and just after it has come back.
  /// - Returns: what it returned, and the scratch as it left it.
  /// - Throws: ``TraceError``; the thread then stands where it stood, unless the process is gone.
  func function(
    at address: UInt64, memory: borrowing ProcessMemory, scratch: [UInt8], measured: () -> Void = {},
    arguments: (_ scratch: UInt64) -> [UInt64]
  ) throws(TraceError) -> (result: Int64, scratch: [UInt8]) {
    let begun = try begin(at: address, memory: memory, scratch: scratch, arguments: arguments)
    let outcome: Result<(Int64, [UInt8]), TraceError>
    do throws(TraceError) {
      measured()
      let call = try runToGate()
      measured()
      #if arch(x86_64)
        let result = Int64(bitPattern: comeBack == nil ? call.number : call.arguments[4])
      #else
        let result = Int64(bitPattern: call.arguments[0])
      #endif
      let left = try memory.read(begun.buffer, count: scratch.count)
      if comeBack == nil {
        try leaveCall(skipping: true)
      } else {
        guard try process.runToStop(thread, toCall: true, within: Self.limit) == .systemCall else {
          throw TraceError(.unexpected("it did not come back as it should"), process.process)
        }
        try leaveCall(skipping: false)
      }
      outcome = .success((result, left))
    } catch {
      outcome = .failure(error)
    }
    // It got no processor for a second, and nothing of it can be reached while it runs. With a way to come back it does so by itself.
    if case .failure(let error) = outcome, process.state(of: thread) == nil { throw error }
    // Registers first: until then the record may be needed.
    try process.setRegisters(of: thread, begun.registers)
    try process.setSignalMask(of: thread, begun.mask)
    try memory.write(begun.frame, begun.bytes)
    let value = try outcome.get()
    return (value.0, value.1)
  }

  /// What is to be put back after a function call.
  struct Begun {
    var registers: ThreadRegisters
    var mask: UInt64
    /// What stood below the stack, and where.
    var bytes: [UInt8]
    var frame: UInt64
    /// Where the scratch is.
    var buffer: UInt64
  }

  /// Lays all of a call out; the thread makes it when it goes on, and comes back from it by itself.
  func begin(
    at address: UInt64, memory: borrowing ProcessMemory, scratch: [UInt8], arguments: (_ scratch: UInt64) -> [UInt64]
  ) throws(TraceError) -> Begun {
    precondition(scratch.count <= Self.scratchBytes)
    let saved = try process.registers(of: thread)
    // All of it lies below what the thread may use there: if it is not put back, nobody misses it.
    let frame = (saved.stack - Self.redZone - Self.frameBytes) & ~15
    let buffer = frame + Self.frameBytes - Self.scratchBytes
    let begun = Begun(
      registers: saved, mask: try process.signalMask(of: thread),
      bytes: try memory.read(frame, count: Int(Self.frameBytes)), frame: frame, buffer: buffer)

    var registers = saved
    registers.instruction = address
    registers.setArguments(arguments(buffer))
    try memory.write(buffer, scratch)
    #if arch(x86_64)
      let record = saved.recordForComingBack(mask: begun.mask)
      let place = (buffer - UInt64(record.count)) & ~15
      try memory.write(place, record)
      registers.stack = place - 8
      try memory.write(registers.stack, word: comeBack ?? gate)
    #else
      registers.stack = buffer
      registers.link = gate
    #endif
    try process.skipCall(of: thread, &registers)
    // What comes meanwhile waits, as it does for any thread that blocks it. Not before the registers: on its way back the
    // thread gives itself its own mask again.
    try process.setSignalMask(of: thread, ~0)
    return begun
  }

  /// Makes one system call in the thread's name. Killed meanwhile, we would leave a thread that does not come back: for tests.
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
      guard try process.runToStop(thread, toCall: true, within: Self.limit) == .systemCall else {
        throw TraceError(.unexpected("a system call that was made in it did not end as one"), process.process)
      }
      let result = try process.systemCall(of: thread).result
      try leaveCall(skipping: false)
      outcome = .success(result)
    } catch {
      outcome = .failure(error)
    }
    if case .failure(let error) = outcome, process.state(of: thread) == nil { throw error }  // it runs
    try process.setRegisters(of: thread, saved)
    try process.setSignalMask(of: thread, savedMask)
    return try outcome.get()
  }

  /// Runs to the entry of the system call at the gate, through those that a function makes of its own.
  private func runToGate() throws(TraceError) -> TracedSystemCall {
    for _ in 0..<64 {
      switch try process.runToStop(thread, toCall: true, within: Self.limit) {
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
      switch try process.runToStop(thread, toCall: false, within: Self.limit) {
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

#if arch(x86_64)
  extension ThreadRegisters {
    /// What a thread needs to go on from here by itself: its signal mask, its registers as they are popped, and what `iretq`
    /// takes (``StubX86``). A system call in which it stands is begun again, as the kernel would.
    func recordForComingBack(mask: UInt64) -> [UInt8] {
      var words = withUnsafeBytes(of: raw.words) { Array($0.bindMemory(to: UInt64.self)) }
      // struct user_regs_struct: r15 0, r14, r13, r12, rbp 4, rbx, r11 6, r10, r9, r8, rax 10, rcx, rdx, rsi, rdi, orig_rax 15,
      // rip 16, cs, eflags, rsp, ss 20.
      if Int64(bitPattern: words[15]) >= 0 {
        switch Int64(bitPattern: words[10]) {
        case -512, -513, -514:  // ERESTARTSYS, ERESTARTNOINTR, ERESTARTNOHAND
          words[10] = words[15]
          words[16] &-= 2
        case -516:  // ERESTART_RESTARTBLOCK: by restart_syscall
          words[10] = 219
          words[16] &-= 2
        default: break
        }
      }
      let order = [0, 1, 2, 3, 6, 7, 8, 9, 4, 14, 13, 12, 11, 5, 10, 16, 17, 18, 19, 20]
      var bytes = [UInt8](repeating: 0, count: 8 + order.count * 8)
      bytes.put(mask, at: 0)
      for (place, index) in order.enumerated() { bytes.put(words[index], at: 8 + place * 8) }
      return bytes
    }
  }
#endif

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
