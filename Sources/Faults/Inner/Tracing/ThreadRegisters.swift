internal import CKernel

/// The general registers of a stopped thread, named after what they are for; the same on x86-64 and arm64.
struct ThreadRegisters {
  var raw = bs_registers()

  /// Address of the next instruction.
  var instruction: UInt64 {
    get { value(bs_register_instruction) }
    set { put(bs_register_instruction, newValue) }
  }

  /// The stack pointer.
  var stack: UInt64 {
    get { value(bs_register_stack) }
    set { put(bs_register_stack, newValue) }
  }

  /// The frame pointer, where code keeps one.
  var frame: UInt64 { value(bs_register_frame) }

  /// What a function or system call returned.
  var result: UInt64 {
    get { value(bs_register_result) }
    set { put(bs_register_result, newValue) }
  }

  /// arm64: where a function returns to. Elsewhere that is on the stack.
  var link: UInt64 {
    get { value(bs_register_link) }
    set { put(bs_register_link, newValue) }
  }

  /// The system call in which the thread stands; −1 for none.
  var callNumber: UInt64 { value(bs_register_call_number) }

  /// Sets the arguments of a system call or, for the first three, of a C function.
  mutating func setArguments(_ arguments: [UInt64]) {
    precondition(arguments.count <= 6, "a system call has six arguments at most")
    for (index, argument) in arguments.enumerated() {
      put(bs_register(rawValue: bs_register_argument_0.rawValue + UInt32(index)), argument)
    }
  }

  /// Prepares the instruction for a system call to make the call `number`.
  mutating func setCall(_ number: UInt64) {
    // x86-64 takes the number from where it returns the result; orig_rax is what the kernel remembers of an earlier call.
    #if arch(x86_64)
      result = number
    #else
      put(bs_register_call_number, number)
    #endif
  }

  private func value(_ which: bs_register) -> UInt64 {
    withUnsafePointer(to: raw) { bs_register_value($0, which) }
  }

  private mutating func put(_ which: bs_register, _ value: UInt64) {
    bs_register_put(&raw, which, value)
  }
}

/// A system call at whose entry or exit a thread stands.
struct TracedSystemCall: Sendable, Hashable {
  enum Phase: Sendable, Hashable { case entry, exit, none }

  var phase: Phase
  /// Its number, at its entry.
  var number: UInt64
  /// Its arguments, at its entry.
  var arguments: [UInt64]
  /// What it returns, at its exit.
  var result: Int64
  /// AUDIT_ARCH_*: under which the number is to be read.
  var architecture: UInt32
  var instruction: UInt64
}
