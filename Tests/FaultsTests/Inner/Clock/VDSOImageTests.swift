import Glibc
import Support
import Testing

@testable import Faults

/// This machine's vDSO, as mapped into this process.
private func ownImage() throws -> [UInt8] { try ClockTemplate(tag: 1).bytes }

@Suite struct VDSOImageTests {
  @Test func thisMachinesImageIsUnderstood() throws {
    let image = try VDSOImage(try ownImage())
    #expect(image.machine == .ours)
    let names = Set(image.functions.keys)
    #if arch(x86_64)
      #expect(
        names.isSuperset(of: ["__vdso_clock_gettime", "__vdso_gettimeofday", "__vdso_time", "__vdso_clock_getres"]))
    #else
      #expect(names.isSuperset(of: ["__kernel_clock_gettime", "__kernel_gettimeofday"]))
    #endif
    let gate = try image.gate()
    #expect(image.bytes[gate...].starts(with: StubMachine.ours.gate))
  }

  @Test func everyTruncationIsRefusedAndNoneCrashes() throws {
    let bytes = try ownImage()
    let end = try VDSOImage(bytes).usedEnd
    for count in stride(from: 0, to: end, by: 7) {
      #expect(throws: VDSOError.self) { try VDSOImage(Array(bytes[..<count])) }
    }
  }

  @Test func bytesThatAreNoImageAreRefusedOrAtLeastHarmless() throws {
    let bytes = try ownImage()
    var random = SeededRandom(seed: 11)
    for _ in 0..<3_000 {
      var broken = bytes
      for _ in 0..<(1 + Int(random.next() % UInt64(4))) {
        broken[Int(random.next() % UInt64(min(0x700, bytes.count)))] = UInt8(truncatingIfNeeded: random.next())
      }
      if let image = try? VDSOImage(broken) { _ = try? VDSOPatch(image, tag: 1) }
    }
  }

  @Test func thePatchStandsInSpareBytesAndInFunctionsOnly() throws {
    let image = try VDSOImage(try ownImage())
    let patch = try VDSOPatch(image, tag: 0x1122_3344_5566_7788)
    #expect(patch.stub.offset >= image.usedEnd)
    #expect(patch.stub.original.allSatisfy { $0 == 0 })
    #expect(patch.stub.changed.count == patch.stub.original.count)
    #expect(patch.stub.changed.word(at: StubLayout.tag) == 0x1122_3344_5566_7788)
    #expect(patch.stub.changed.word(at: StubLayout.expiry) == 0, "without a lease it does nothing")
    for jump in patch.jumps {
      #expect(
        image.functions.values.contains {
          $0.offset <= jump.offset && jump.offset + jump.changed.count <= $0.offset + $0.size
        })
      #expect(jump.original == Array(image.bytes[jump.offset..<(jump.offset + jump.original.count)]))
    }
    #expect(!patch.jumps.contains { change in image.functions["__vdso_clock_getres"]?.offset == change.offset })
  }

  @Test func withoutRoomThereIsNoPatch() throws {
    var bytes = try ownImage()
    let image = try VDSOImage(bytes)
    let cut = try VDSOImage(Array(bytes[..<(image.usedEnd + 100)]))
    #expect(throws: VDSOError.self) { try VDSOPatch(cut, tag: 1) }
    bytes[try VDSOPatch(image, tag: 1).stub.offset + 20] = 1
    #expect(throws: VDSOError.self) { try VDSOPatch(try VDSOImage(bytes), tag: 1) }
  }

  @Test func theMappingIsFoundAmongOthers() {
    let maps = """
      7ffd01000000-7ffd01021000 rw-p 00000000 00:00 0                          [stack]
      7ffd01187000-7ffd0118b000 r--p 00000000 00:00 0                          [vvar]
      7ffd0118d000-7ffd0118f000 r-xp 00000000 00:00 0                          [vdso]

      """
    #expect(VDSOMapping.find(in: Array(maps.utf8)) == VDSOMapping(start: 0x7ffd_0118_d000, size: 0x2000))
    #expect(VDSOMapping.find(in: Array("1-2 r-xp 0 00:00 0 /x[vdso]x\n".utf8)) == nil)
    #expect(VDSOMapping.find(in: []) == nil)
  }

  @Test func onlyInstructionsThatMeanTheSameElsewhereAreMoved() {
    // push rbp; mov rbp,rsp; push r14 …; the fifth byte is in the third instruction.
    #expect(DisplacedInstructions.movable([0x55, 0x48, 0x89, 0xe5, 0x41, 0x56, 0x53], at: 0, atLeast: 5) == 6)
    // lea r10,[rip+…] is not what it was when it is moved.
    #expect(DisplacedInstructions.movable([0x55, 0x4c, 0x8d, 0x15, 0xe8, 0x97, 0xff, 0xff], at: 0, atLeast: 5) == nil)
    #expect(DisplacedInstructions.movable([0xe9, 0, 0, 0, 0], at: 0, atLeast: 5) == nil)
    #expect(DisplacedInstructions.movable([0x55, 0x55], at: 0, atLeast: 5) == nil)
  }
}

@Suite struct ClockSkewTests {
  @Test func driftIsExactToTheNanosecondOverADay() {
    let day: Int64 = 86_400 * 1_000_000_000
    for (drift, expected) in [(200_000, 17_280_000_000), (-200_000, -17_280_000_000), (1, 86_400)] as [(Int64, Int64)] {
      let skew = ClockSkew(offsetNanoseconds: 5, driftPartsPerBillion: drift)
      #expect(abs(skew.offset(after: day) - expected - 5) <= 100, "2⁻⁴¹ of a day are 39 ns")
    }
    #expect(ClockSkew(offsetNanoseconds: -9).offset(after: .max) == -9)
  }

  @Test func wrongSkewsAreRefused() {
    #expect(ClockSkew(offsetNanoseconds: 0).mistake != nil)
    #expect(ClockSkew(offsetNanoseconds: 1, clocks: []).mistake != nil)
    #expect(ClockSkew(offsetNanoseconds: 0, driftPartsPerBillion: 600_000_000).mistake != nil)
    #expect(ClockSkew(offsetNanoseconds: .max).mistake != nil)
    #expect(ClockSkew(offsetNanoseconds: 0, driftPartsPerBillion: 1).mistake == nil)
    #expect(
      "\(ClockSkew(offsetNanoseconds: 5_000_000_000, driftPartsPerBillion: -200_000))" == "realtime +5.00 s, −200 ppm")
  }
}

@Suite struct StubX86Tests {
  /// Both ways to reach the original. A digest, so that no byte changes unnoticed; what the bytes mean is shown by the
  /// programs whose clocks are skewed with them.
  @Test func theBytesAreThoseThatWereVerified() {
    let displaced = StubX86.Displaced(bytes: [0x55, 0x48, 0x89, 0xe5, 0x41, 0x56], rest: 0xaf6)
    let moved = StubX86.code(displaced: displaced).linked(at: 0x1a80 + StubLayout.code, words: 0x1a80)
    #expect(moved.prefix(3).elementsEqual([0x57, 0x56, 0xe8]))
    // At the end stands where a reading comes back, aligned to 16 bytes; before it the way to the original.
    let comeBack = 55
    let original = moved.count - comeBack - 16
    // … and back: jmp to the rest of the original, whose distance counts from the end of the jump.
    let distance = 0xaf6 - (0x1a80 + StubLayout.code + original + 11)
    #expect(moved[original...].prefix(7).elementsEqual(displaced.bytes + [0xe9]))
    #expect(
      moved[(original + 7)...].prefix(4).elementsEqual((0..<4).map { UInt8(truncatingIfNeeded: distance >> (8 * $0)) }))
    let called = StubX86.code(displaced: nil).linked(at: 0x1a80 + StubLayout.code, words: 0x1a80)
    #expect(called[original...].prefix(8).elementsEqual([0xb8, 228, 0, 0, 0, 0x0f, 0x05, 0xc3]))
    #expect(called.prefix(original).elementsEqual(moved.prefix(original)))
    #expect(called.suffix(comeBack).elementsEqual(moved.suffix(comeBack)))
    // mov r8,rax; rt_sigprocmask(SIG_SETMASK, rsp, NULL, 8); then the registers, and iretq.
    #expect(
      moved.suffix(comeBack).elementsEqual([
        0x49, 0x89, 0xc0, 0xb8, 14, 0, 0, 0, 0xbf, 2, 0, 0, 0, 0x48, 0x89, 0xe6, 0x31, 0xd2, 0x41, 0xba, 8, 0, 0, 0,
        0x0f,
        0x05, 0x48, 0x83, 0xc4, 0x08, 0x41, 0x5f, 0x41, 0x5e, 0x41, 0x5d, 0x41, 0x5c, 0x41, 0x5b, 0x41, 0x5a, 0x41,
        0x59,
        0x41, 0x58, 0x5d, 0x5f, 0x5e, 0x5a, 0x59, 0x5b, 0x58, 0x48, 0xcf,
      ]))
    #expect(sha256(called) == "a1f001e051fb2608bbd5bfa83adc86e825f678964b1d41bed53e13dfcdf32c2b")
  }
}
