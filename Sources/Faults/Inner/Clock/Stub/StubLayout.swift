/// Where the stub's words stand, in bytes from its beginning. They are read by every clock call of the process and written
/// from outside, one aligned word at a time.
enum StubLayout {
  /// Whose it is: drawn for each fault.
  static let tag = 0
  /// ``magicWord``.
  static let magic = 8
  /// Monotonic nanoseconds from which on the clocks are true again.
  static let expiry = 16
  /// One bit for each clock's number.
  static let mask = 24
  /// Which of the slots holds.
  static let index = 32
  /// Four slots of three words: base (monotonic ns), offset (ns), rate (2⁻⁴⁰). A change fills the slot that was idle longest
  /// and then moves the index, so that no reader mixes old and new.
  static let slots = 40
  static let slotCount = 4
  static let slotBytes = 24
  /// The code, aligned for it.
  static let code = 144

  /// "BSCLOCK1"
  static let magicWord: UInt64 = 0x314b_434f_4c43_5342
}

/// Kinds of machines for which stubs can be written.
enum StubMachine: Sendable, Hashable {
  case x86
  case arm64

  /// This machine's.
  #if arch(x86_64)
    static let ours = StubMachine.x86
  #else
    static let ours = StubMachine.arm64
  #endif

  /// `e_machine` of an ELF file (elf(5)).
  var elfMachine: UInt16 { self == .x86 ? 62 : 183 }

  /// An instruction for system calls: `syscall`, `svc #0`.
  var gate: [UInt8] { self == .x86 ? [0x0f, 0x05] : [0x01, 0x00, 0x00, 0xd4] }
}
