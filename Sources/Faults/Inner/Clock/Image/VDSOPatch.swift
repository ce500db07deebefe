/// What is changed in a vDSO to skew clocks, computed from its bytes alone: the stub in spare bytes, and a jump to it at the
/// beginning of each function that tells the time.
struct VDSOPatch: Sendable, Hashable {
  /// Bytes that stand at one place before and after.
  struct Change: Sendable, Hashable, Codable {
    /// From the image's start.
    var offset: Int
    var original: [UInt8]
    var changed: [UInt8]
  }

  /// The jumps, one for each function. Instructions there may be executed at any time.
  let jumps: [Change]
  /// The stub's place and bytes; all zero before.
  let stub: Change
  /// From the image's start.
  let words: Int
  /// `clock_gettime`, for reading the clock back.
  let clockGettime: Int
  /// Where a function that is called from outside returns to, and the system call there at which it is met; from the image's
  /// start.
  let comeBack: Int
  let gate: Int
  /// Whether a clock is read without a system call, as before.
  let keepsFastPath: Bool

  /// Whether the original `clock_gettime` keeps a frame pointer, so that its caller can be told.
  let keepsFrame: Bool

  /// Names in the vDSO and what stands in for them.
  private static func targets(_ machine: StubMachine) -> [(name: String, place: StubCode.Place, isNeeded: Bool)] {
    switch machine {
    case .x86:
      [
        ("__vdso_clock_gettime", .clockGettime, true), ("__vdso_gettimeofday", .getTimeOfDay, true),
        ("__vdso_time", .time, false),
      ]
    case .arm64:
      [("__kernel_clock_gettime", .clockGettime, true), ("__kernel_gettimeofday", .getTimeOfDay, true)]
    }
  }

  /// - Parameter tag: the fault's own number.
  /// - Throws: ``VDSOError``: a function is missing or too short, or there is no room.
  init(_ image: VDSOImage, tag: UInt64) throws(VDSOError) {
    let targets = Self.targets(image.machine)
    guard let clock = image.functions[targets[0].name] else { throw VDSOError("it has no \(targets[0].name)") }
    clockGettime = clock.offset
    let code: StubCode
    switch image.machine {
    case .x86:
      let entry = Self.entry(image, clock.offset)
      // The bytes must be its own, and not those of the next function.
      let length = DisplacedInstructions.movable(image.bytes, at: entry, atLeast: 5)
        .flatMap { entry + $0 < clock.offset + clock.size ? $0 : nil }
      keepsFastPath = length != nil
      keepsFrame = image.bytes[entry...].starts(with: [0x55, 0x48, 0x89, 0xe5])  // push rbp; mov rbp,rsp
      code = StubX86.code(
        displaced: length.map {
          StubX86.Displaced(bytes: Array(image.bytes[entry..<(entry + $0)]), rest: entry + $0)
        })
    case .arm64:
      keepsFastPath = false
      keepsFrame = false
      code = StubArm64.code()
    }
    let size = StubLayout.code + code.bytes.count
    words = try image.spare(size)
    let codeStart = words + StubLayout.code
    if let back = code.offset(of: .comeBack), let call = code.offset(of: .gate) {
      (comeBack, gate) = (codeStart + back, codeStart + call)
    } else {
      // Such a thread does not come back by itself.
      gate = try image.gate()
      comeBack = gate
    }
    var bytes = [UInt8](repeating: 0, count: StubLayout.code)
    bytes.put(tag, at: StubLayout.tag)
    bytes.put(StubLayout.magicWord, at: StubLayout.magic)
    stub = Change(
      offset: words, original: [UInt8](repeating: 0, count: size),
      changed: bytes + code.linked(at: codeStart, words: words))

    var jumps: [Change] = []
    for (name, place, isNeeded) in targets {
      guard let function = image.functions[name] else {
        if isNeeded { throw VDSOError("it has no \(name)") }
        continue
      }
      guard let target = code.offset(of: place) else { preconditionFailure("the stub has no \(place)") }
      let entry = Self.entry(image, function.offset)
      let jump = Self.jump(image.machine, from: entry, to: codeStart + target)
      guard entry + jump.count <= function.offset + function.size else {
        throw VDSOError("\(name) is only \(function.size) bytes long")
      }
      jumps.append(
        Change(offset: entry, original: Array(image.bytes[entry..<(entry + jump.count)]), changed: jump))
    }
    self.jumps = jumps
  }

  /// Behind the mark that branch protection wants at a function's beginning (`endbr64`, `bti c`), if there is one.
  private static func entry(_ image: VDSOImage, _ offset: Int) -> Int {
    let mark: [UInt8] = image.machine == .x86 ? [0xf3, 0x0f, 0x1e, 0xfa] : [0x5f, 0x24, 0x03, 0xd5]
    return image.bytes[offset...].starts(with: mark) ? offset + 4 : offset
  }

  private static func jump(_ machine: StubMachine, from: Int, to: Int) -> [UInt8] {
    var code = StubCode()
    switch machine {
    case .x86: code.emit(0xe9, relative32: .image(to))  //             jmp stub
    case .arm64: code.emit(branch26: 0x1400_0000, .image(to))  //      b stub
    }
    return code.linked(at: from, words: 0)
  }

  /// The image with all changes made, words as in ``stub``.
  func applied(to bytes: [UInt8]) -> [UInt8] {
    ([stub] + jumps).reduce(into: bytes) { bytes, change in
      bytes.replaceSubrange(change.offset..<(change.offset + change.changed.count), with: change.changed)
    }
  }
}

extension [UInt8] {
  /// Stores `word`, little-endian.
  mutating func put(_ word: UInt64, at offset: Int) {
    for index in 0..<8 { self[offset + index] = UInt8(truncatingIfNeeded: word >> (8 * UInt64(index))) }
  }

  /// Reads a little-endian word.
  func word(at offset: Int) -> UInt64 {
    (0..<8).reduce(0) { $0 | UInt64(self[offset + $1]) << (8 * UInt64($1)) }
  }
}
