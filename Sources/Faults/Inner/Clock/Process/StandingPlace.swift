internal import Support

/// Where a thread stands, or will stand again when a signal handler returns.
struct StandingPlace {
  var instruction: UInt64
  var frame: UInt64
  var stack: UInt64
  /// arm64: where the function returns to.
  var link: UInt64

  init(_ registers: ThreadRegisters) {
    instruction = registers.instruction
    frame = registers.frame
    stack = registers.stack
    link = registers.link
  }

  init(instruction: UInt64, frame: UInt64, stack: UInt64, link: UInt64) {
    self.instruction = instruction
    self.frame = frame
    self.stack = stack
    self.link = link
  }

  /// Whether something in `range` is executed from here on.
  ///
  /// Besides the place itself only the stub's own call of the original `clock_gettime` comes back to it. What that
  /// function's frame says is exact; where it keeps none, any word on the stack that looks like such an address counts, and
  /// costs another try.
  func isReferring(
    to range: Range<UInt64>, image: Range<UInt64>, _ patch: VDSOPatch, _ stack: StackWords,
    _ read: (_ address: UInt64) -> UInt64?
  ) -> Bool {
    if range.contains(instruction) || range.contains(link) { return true }
    guard patch.keepsFastPath, image.contains(instruction) else { return false }
    guard patch.keepsFrame else { return stack.words.contains(where: range.contains) }
    // The frame's return address; at the very end, when the frame is gone already, it is the stack's first word.
    return [frame &+ 8, self.stack].contains { address in
      read(address).map(range.contains) ?? false  // what cannot be read is no frame of the image's
    }
  }
}

/// The words on a thread's stack, as far as frames of the vDSO and of a signal handler reach.
struct StackWords {
  let words: [UInt64]

  init(above pointer: UInt64, _ memory: borrowing ProcessMemory) {
    // A shorter stack ends at a page that cannot be read.
    for count in [16_384, 4096 - Int(pointer & 4095)] {
      guard let bytes = try? memory.read(pointer & ~7, count: count & ~7) else { continue }
      words = bytes.withUnsafeBytes { Array($0.bindMemory(to: UInt64.self)) }
      return
    }
    words = []
  }

  init(words: [UInt64]) { self.words = words }

  /// Where handlers that are running will return to: what the kernel saved when it started them, recognized by the shape of
  /// its record (`struct sigcontext`).
  var interruptedPlaces: [StandingPlace] {
    #if arch(x86_64)
      // … rbp (10) rbx rdx rax rcx rsp rip (16) eflags, and the code segment of 64-bit programs. Threads stand still
      // while this is read, and of all words hardly one is such a segment.
      var places: [StandingPlace] = []
      words.withUnsafeBufferPointer { words in
        guard words.count > 18 else { return }
        for index in 16..<(words.count - 2) where words[index + 2] & 0xffff == 0x33 {
          guard words[index + 1] & ~0x3f_7fd7 == 0, words[index + 1] & 2 != 0 else { continue }
          places.append(
            StandingPlace(instruction: words[index], frame: words[index - 6], stack: words[index - 1], link: 0))
        }
      }
      return places
    #else
      // Nothing tells such a record from other words there: each may be one.
      return words.map { StandingPlace(instruction: $0, frame: 0, stack: 0, link: 0) }
    #endif
  }
}
