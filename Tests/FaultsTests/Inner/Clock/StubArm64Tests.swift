import Glibc
import Support
import Testing

@testable import Faults

/// That of the toolchain, which can make programs for other machines.
private let clang = (program("swiftc") ?? "").replacing("/swiftc", with: "/clang")

/// The stub for arm64 on a machine that is none: its bytes against an independent assembler, and run by an emulator.
@Suite struct StubArm64Tests {
  /// `__kernel_clock_gettime` and `__kernel_gettimeofday` of a small image that is laid out like a vDSO.
  static func image() -> [UInt8] {
    var elf = ELFBuilder(machine: 183)
    elf.add("__kernel_clock_gettime", [UInt32](repeating: 0xd503_201f, count: 8) + [0xd400_0001, 0xd65f_03c0])
    elf.add("__kernel_gettimeofday", [0xd503_245f] + [UInt32](repeating: 0xd503_201f, count: 8) + [0xd65f_03c0])
    return elf.finish(pages: 2)
  }

  @Test func anImageForArm64IsPatchedWithOneInstructionAFunction() throws {
    let image = try VDSOImage(Self.image())
    #expect(image.machine == .arm64)
    let patch = try VDSOPatch(image, tag: 3)
    #expect(patch.jumps.count == 2)
    #expect(patch.jumps.allSatisfy { $0.changed.count == 4 && $0.offset % 4 == 0 })
    // Behind the mark for branch protection where there is one.
    let clock = try #require(image.functions["__kernel_clock_gettime"])
    let day = try #require(image.functions["__kernel_gettimeofday"])
    #expect(patch.jumps.map(\.offset) == [clock.offset, day.offset + 4])
    // b stub: the distance in words, 26 bits.
    let word = patch.jumps[0].changed.enumerated().reduce(UInt32(0)) {
      $0 | UInt32($1.element) << (8 * UInt32($1.offset))
    }
    #expect(word == 0x1400_0000 | UInt32((patch.words + StubLayout.code - clock.offset) / 4))
    #expect(!patch.keepsFastPath)
  }

  /// The first and last instructions, and a digest of all of them, so that no byte changes unnoticed; what they mean is shown
  /// by the emulator below.
  @Test func theBytesAreThoseThatWereVerified() throws {
    let code = StubArm64.code().linked(at: 0x1000 + StubLayout.code, words: 0x1000)
    #expect(code.count % 4 == 0)
    #expect(code.prefix(4).elementsEqual([0xfd, 0x7b, 0xbc, 0xa9]))
    #expect(code.suffix(12).elementsEqual([0x28, 0x0e, 0x80, 0xd2, 0x01, 0x00, 0x00, 0xd4, 0xc0, 0x03, 0x5f, 0xd6]))
    #expect(sha256(code) == arm64Digest)
  }

  @Test(.enabled(if: fileExists(clang) && fileExists("/usr/bin/qemu-aarch64"), "needs clang for arm64 and qemu-user"))
  func anEmulatedProcessorTellsTheTimeThatWasAskedFor() async throws {
    let directory = "/tmp/blackstart-test-arm64.\(getpid())"
    try makeDirectory(directory)
    defer { try? removeTree(directory) }
    var words = [UInt8](repeating: 0, count: StubLayout.code)
    // Expiry far away, realtime chosen, slot 2: base 0, offset 1000 s − 1 ns, rate 0.
    words.put(UInt64(Int64.max), at: StubLayout.expiry)
    words.put(1, at: StubLayout.mask)
    words.put(2, at: StubLayout.index)
    words.put(UInt64(999_999_999_999), at: StubLayout.slots + 2 * StubLayout.slotBytes + 8)
    let code = StubArm64.code()
    let bytes = words + code.linked(at: StubLayout.code, words: 0)
    let list = bytes.map(String.init).joined(separator: ",")
    func entry(_ place: StubCode.Place) -> Int { StubLayout.code + (code.offset(of: place) ?? 0) }
    try writeFile(
      "\(directory)/run.c",
      Array(
        """
        typedef long i64;
        __attribute__((section(".text"), aligned(64))) const unsigned char stub[] = {\(list)};
        static i64 call(i64 number, i64 a, i64 b) {
          register i64 x8 __asm__("x8") = number; register i64 x0 __asm__("x0") = a; register i64 x1 __asm__("x1") = b;
          __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1) : "memory");
          return x0;
        }
        void _start(void) {
          int (*clock)(int, i64 *) = (void *)(stub + \(entry(.clockGettime)));
          int (*day)(i64 *, int *) = (void *)(stub + \(entry(.getTimeOfDay)));
          i64 t[2], u[2], v[2]; int z[2] = {7, 7};
          int bad = 0;
          call(113, 0, (i64)t);
          if (clock(0, u) != 0) bad |= 1;
          i64 d = (u[0] - t[0]) * 1000000000 + u[1] - t[1] - 999999999999;
          if (d < 0 || d > 1000000000) bad |= 2;
          if (u[1] < 0 || u[1] >= 1000000000) bad |= 4;
          if (day(v, z) != 0 || v[0] - t[0] < 999 || v[0] - t[0] > 1001 || v[1] < 0 || v[1] >= 1000000) bad |= 8;
          if (z[0] == 7) bad |= 16;
          if (day(0, 0) != 0) bad |= 32;
          call(113, 1, (i64)t);
          if (clock(1, u) != 0 || u[0] - t[0] > 1) bad |= 64; /* monotonic was not chosen */
          if (clock(77, u) == 0) bad |= 128;                  /* no such clock */
          call(93, bad, 0);
        }
        """.utf8))
    var build = ProcessRequest(
      clang,
      [
        "--target=aarch64-linux-gnu", "-O1", "-ffreestanding", "-fno-stack-protector", "-nostdlib", "-static",
        "-fuse-ld=lld", "-o", "\(directory)/run", "\(directory)/run.c",
      ])
    build.environment["PATH"] = searchPath
    build.logPath = "\(directory)/log"
    let built = await (try ChildProcess(build)).wait()
    let log = String(decoding: try readFile("\(directory)/log"), as: UTF8.self)
    try #require(built == .exited(0), "clang: \(log)")
    let end = await (try ChildProcess(ProcessRequest("/usr/bin/qemu-aarch64", ["\(directory)/run"]))).wait()
    #expect(end == .exited(0), "each bit is one check in the program above")
  }
}

/// A 64-bit image with functions, symbols and their hash table, as small as can be.
struct ELFBuilder {
  let machine: UInt16
  private var functions: [(name: String, code: [UInt32])] = []

  init(machine: UInt16) { self.machine = machine }

  mutating func add(_ name: String, _ code: [UInt32]) { functions.append((name, code)) }

  func finish(pages: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: pages * 4096)
    func put(_ value: Int, _ size: Int, _ at: Int) {
      for index in 0..<size { bytes[at + index] = UInt8(truncatingIfNeeded: value >> (8 * index)) }
    }
    // Header, two program headers, dynamic at 0x100, hash at 0x180, symbols at 0x200, strings at 0x400, code at 0x800.
    bytes.replaceSubrange(0..<7, with: [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1])
    put(3, 2, 16)
    put(Int(machine), 2, 18)
    put(64, 8, 32)
    put(56, 2, 54)
    put(2, 2, 56)
    let end = 0x800 + functions.reduce(0) { $0 + ($1.code.count * 4 + 15) & ~15 }
    for (at, values) in [(64, [1, 0, 0, end]), (120, [2, 0x100, 0x100, 0x40])] {
      put(values[0], 4, at)
      put(values[1], 8, at + 8)
      put(values[2], 8, at + 16)
      put(values[3], 8, at + 40)
    }
    for (index, pair) in [(4, 0x180), (5, 0x400), (6, 0x200), (0, 0)].enumerated() {
      put(pair.0, 8, 0x100 + index * 16)
      put(pair.1, 8, 0x108 + index * 16)
    }
    put(functions.count + 1, 4, 0x184)
    var (name, code) = (0x401, 0x800)
    for (index, function) in functions.enumerated() {
      let symbol = 0x200 + (index + 1) * 24
      put(name - 0x400, 4, symbol)
      put(0x12, 1, symbol + 4)
      put(1, 2, symbol + 6)
      put(code, 8, symbol + 8)
      put(function.code.count * 4, 8, symbol + 16)
      bytes.replaceSubrange(name..<(name + function.name.utf8.count), with: Array(function.name.utf8))
      name += function.name.utf8.count + 1
      for (place, word) in function.code.enumerated() { put(Int(word), 4, code + place * 4) }
      code += (function.code.count * 4 + 15) & ~15
    }
    return bytes
  }
}

/// Of the code whose words were read back by a disassembler, and which the emulator runs.
private let arm64Digest = "40d2a2fff68c8755460696913cdb98598ad4251f8a59b2de2bea1661591e750e"
