/// Machine code under construction: bytes, and references to places that are known only at the end. Pure.
struct StubCode {
  enum Place: Hashable {
    case clockGettime, getTimeOfDay, time, original
    /// Where a function that was called from outside returns to, and the system call in it.
    case comeBack, gate
    /// A place inside one function.
    case local(Int)
    /// A word of ``StubLayout``.
    case word(Int)
    /// An offset from the image's start.
    case image(Int)
  }

  private enum Reference {
    /// x86-64: 4 bytes, counted from their end.
    case relative32
    /// x86-64: 1 byte, counted from its end.
    case relative8
    /// arm64: 26 bits of words at 0, from the instruction: b, bl.
    case branch26
    /// arm64: 19 bits of words at 5: b.cond, cbz, cbnz.
    case branch19
    /// arm64: 14 bits of words at 5: tbz, tbnz.
    case branch14
    /// arm64: 21 bits of bytes, the low two at 29: adr.
    case address21
  }

  private(set) var bytes: [UInt8] = []
  private var places: [Place: Int] = [:]
  private var references: [(at: Int, to: Place, kind: Reference)] = []

  mutating func mark(_ place: Place) { places[place] = bytes.count }

  func offset(of place: Place) -> Int? { places[place] }

  mutating func emit(_ code: UInt8...) { bytes += code }

  mutating func emit(_ code: [UInt8]) { bytes += code }

  mutating func align(_ multiple: Int, with filler: UInt8) {
    while bytes.count % multiple != 0 { bytes.append(filler) }
  }

  // MARK: x86-64

  /// An instruction that ends with a 32-bit distance.
  mutating func emit(_ code: UInt8..., relative32 place: Place) {
    bytes += code
    references.append((bytes.count, place, .relative32))
    bytes += [0, 0, 0, 0]
  }

  /// An instruction that ends with an 8-bit distance.
  mutating func emit(_ code: UInt8..., relative8 place: Place) {
    bytes += code
    references.append((bytes.count, place, .relative8))
    bytes.append(0)
  }

  // MARK: arm64

  mutating func emit(word: UInt32) {
    for shift in stride(from: UInt32(0), to: 32, by: 8) { bytes.append(UInt8(truncatingIfNeeded: word >> shift)) }
  }

  mutating func emit(branch26 word: UInt32, _ place: Place) { refer(word, place, .branch26) }
  mutating func emit(branch19 word: UInt32, _ place: Place) { refer(word, place, .branch19) }
  mutating func emit(branch14 word: UInt32, _ place: Place) { refer(word, place, .branch14) }
  mutating func emit(address21 word: UInt32, _ place: Place) { refer(word, place, .address21) }

  private mutating func refer(_ word: UInt32, _ place: Place, _ kind: Reference) {
    references.append((bytes.count, place, kind))
    emit(word: word)
  }

  // MARK: the end

  /// The code with its references filled in.
  ///
  /// - Parameters:
  ///   - start: where the code will stand, counted from the image's start.
  ///   - words: where the words stand, likewise.
  func linked(at start: Int, words: Int) -> [UInt8] {
    var bytes = bytes
    for (at, place, kind) in references {
      let target: Int
      switch place {
      case .word(let offset): target = words + offset
      case .image(let offset): target = offset
      default:
        guard let offset = places[place] else { preconditionFailure("the stub refers to \(place), which is not there") }
        target = start + offset
      }
      switch kind {
      case .relative32:
        let distance = Int32(target - (start + at + 4))
        for byte in 0..<4 { bytes[at + byte] = UInt8(truncatingIfNeeded: distance >> (8 * byte)) }
      case .relative8: bytes[at] = UInt8(bitPattern: Int8(target - (start + at + 1)))
      case .branch26: patch(&bytes, at, field(target - (start + at), 4, 26))
      case .branch19: patch(&bytes, at, field(target - (start + at), 4, 19) << 5)
      case .branch14: patch(&bytes, at, field(target - (start + at), 4, 14) << 5)
      case .address21:
        let distance = field(target - (start + at), 1, 21)
        patch(&bytes, at, (distance & 3) << 29 | (distance >> 2) << 5)
      }
    }
    return bytes
  }

  private func field(_ distance: Int, _ unit: Int, _ bits: Int) -> UInt32 {
    precondition(distance % unit == 0 && abs(distance / unit) < 1 << (bits - 1), "the stub is out of a branch's reach")
    return UInt32(truncatingIfNeeded: distance / unit) & (1 << UInt32(bits) - 1)
  }

  private func patch(_ bytes: inout [UInt8], _ at: Int, _ bits: UInt32) {
    for byte in 0..<4 { bytes[at + byte] |= UInt8(truncatingIfNeeded: bits >> (8 * UInt32(byte))) }
  }
}
