/// Reads the first instructions of an x86-64 function as far as they can be moved: those that compilers begin functions
/// with and that mean the same everywhere. Pure; anything else is not guessed at.
enum DisplacedInstructions {
  /// The length of the instruction at `place` if it can stand elsewhere, else `nil`.
  static func movableLength(_ bytes: [UInt8], at place: Int) -> Int? {
    func byte(_ index: Int) -> UInt8 { place + index < bytes.count ? bytes[place + index] : 0 }
    switch byte(0) {
    case 0x50...0x57: return 1  // push r64
    case 0x41 where (0x50...0x57).contains(byte(1)): return 2  // push r8…r15
    case 0x48, 0x49, 0x4c, 0x4d:
      let isRegister = byte(2) >= 0xc0
      switch byte(1) {
      case 0x89, 0x8b, 0x85, 0x31: return isRegister ? 3 : nil  // mov, test, xor between registers
      case 0x83: return isRegister ? 4 : nil  // add, and, sub, cmp with a byte
      default: return nil
      }
    case 0x89, 0x85, 0x31: return byte(1) >= 0xc0 ? 2 : nil
    case 0x83: return byte(1) >= 0xc0 ? 3 : nil
    case 0xb8...0xbf: return 5  // mov r32, imm32
    default: return nil
    }
  }

  /// Whole instructions of at least `count` bytes from `place` on, if all can be moved.
  static func movable(_ bytes: [UInt8], at place: Int, atLeast count: Int) -> Int? {
    var length = 0
    while length < count {
      guard let next = movableLength(bytes, at: place + length) else { return nil }
      length += next
    }
    return place + length <= bytes.count ? length : nil
  }
}
