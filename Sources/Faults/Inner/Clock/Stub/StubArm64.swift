/// The stub for arm64: `__kernel_clock_gettime` and `__kernel_gettimeofday`. There is no `time` in that vDSO, for the C
/// library derives it.
enum StubArm64 {
  static func code() -> StubCode {
    var code = StubCode()
    clockGettime(&code)
    getTimeOfDay(&code)
    original(&code)
    return code
  }

  /// int clock_gettime(clockid_t w0, struct timespec *x1)
  private static func clockGettime(_ code: inout StubCode) {
    let done = StubCode.Place.local(0)
    let zero = StubCode.Place.local(1)
    let positive = StubCode.Place.local(2)
    code.mark(.clockGettime)
    code.emit(word: 0xa9bc_7bfd)  //                      stp x29,x30,[sp,#-64]!
    code.emit(word: 0xa901_07e0)  //                      stp x0,x1,[sp,#16]
    code.emit(branch26: 0x9400_0000, .original)  //       bl original
    code.emit(word: 0xa941_0fe2)  //                      ldp x2,x3,[sp,#16]   ; clock, timespec
    code.emit(branch19: 0x3500_0000, done)  //            cbnz w0,done         ; it failed, and says why
    code.emit(word: 0x7100_fc5f)  //                      cmp w2,#63
    code.emit(branch19: 0x5400_0008, done)  //            b.hi done            ; no bit for it, nor for negative ones
    code.emit(address21: 0x1000_0004, .word(0))  //       adr x4,words
    code.emit(word: 0xf940_0c85)  //                      ldr x5,[x4,#24]      ; mask
    code.emit(word: 0x9ac2_24a5)  //                      lsr x5,x5,x2
    code.emit(branch14: 0x3600_0005, done)  //            tbz x5,#0,done       ; not one of the skewed clocks
    code.emit(word: 0x5280_0020)  //                      mov w0,#1            ; CLOCK_MONOTONIC
    code.emit(word: 0x9100_83e1)  //                      add x1,sp,#32
    code.emit(branch26: 0x9400_0000, .original)  //       bl original
    code.emit(branch19: 0x3500_0000, zero)  //            cbnz w0,zero
    code.emit(address21: 0x1000_0004, .word(0))  //       adr x4,words
    code.emit(word: 0xf940_0fe3)  //                      ldr x3,[sp,#24]      ; timespec
    code.emit(word: 0xa942_1fe6)  //                      ldp x6,x7,[sp,#32]
    code.emit(word: 0x5299_4008)  //                      mov w8,#0xca00
    code.emit(word: 0x72a7_7348)  //                      movk w8,#0x3b9a,lsl #16 ; 1000000000
    code.emit(word: 0x9b08_1cc6)  //                      madd x6,x6,x8,x7     ; now, in ns
    code.emit(word: 0xf940_0887)  //                      ldr x7,[x4,#16]      ; expiry
    code.emit(word: 0xeb07_00df)  //                      cmp x6,x7
    code.emit(branch19: 0x5400_000a, zero)  //            b.ge zero            ; the lease is over
    code.emit(word: 0xf940_1089)  //                      ldr x9,[x4,#32]      ; index
    code.emit(word: 0x9240_0529)  //                      and x9,x9,#3
    code.emit(word: 0x8b09_0529)  //                      add x9,x9,x9,lsl #1
    code.emit(word: 0x9100_a08a)  //                      add x10,x4,#40       ; slots
    code.emit(word: 0x8b09_0d4a)  //                      add x10,x10,x9,lsl #3
    code.emit(word: 0xf940_014b)  //                      ldr x11,[x10]
    code.emit(word: 0xcb0b_00c6)  //                      sub x6,x6,x11        ; since the base
    code.emit(word: 0xf940_094b)  //                      ldr x11,[x10,#16]    ; rate
    code.emit(word: 0x9b0b_7ccc)  //                      mul x12,x6,x11
    code.emit(word: 0x9b4b_7ccd)  //                      smulh x13,x6,x11
    code.emit(word: 0x93cc_a1ac)  //                      extr x12,x13,x12,#40
    code.emit(word: 0xf940_054b)  //                      ldr x11,[x10,#8]
    code.emit(word: 0x8b0b_018c)  //                      add x12,x12,x11      ; plus the offset
    code.emit(word: 0xf940_046b)  //                      ldr x11,[x3,#8]
    code.emit(word: 0x8b0b_018c)  //                      add x12,x12,x11      ; plus tv_nsec
    code.emit(word: 0x9ac8_0d8d)  //                      sdiv x13,x12,x8
    code.emit(word: 0x9b08_b1ae)  //                      msub x14,x13,x8,x12
    code.emit(branch14: 0xb6f8_000e, positive)  //        tbz x14,#63,positive
    code.emit(word: 0x8b08_01ce)  //                      add x14,x14,x8       ; tv_nsec is never negative
    code.emit(word: 0xd100_05ad)  //                      sub x13,x13,#1
    code.mark(positive)
    code.emit(word: 0xf940_006b)  //                      ldr x11,[x3]
    code.emit(word: 0x8b0d_016b)  //                      add x11,x11,x13
    code.emit(word: 0xa900_386b)  //                      stp x11,x14,[x3]
    code.mark(zero)
    code.emit(word: 0x5280_0000)  //                      mov w0,#0
    code.mark(done)
    code.emit(word: 0xa8c4_7bfd)  //                      ldp x29,x30,[sp],#64
    code.emit(word: 0xd65f_03c0)  //                      ret
  }

  /// int gettimeofday(struct timeval *x0, struct timezone *x1); either may be NULL.
  private static func getTimeOfDay(_ code: inout StubCode) {
    let zone = StubCode.Place.local(10)
    let done = StubCode.Place.local(11)
    code.mark(.getTimeOfDay)
    code.emit(word: 0xa9bd_7bfd)  //                      stp x29,x30,[sp,#-48]!
    code.emit(word: 0xa901_07e0)  //                      stp x0,x1,[sp,#16]
    code.emit(branch19: 0xb400_0000, zone)  //            cbz x0,zone
    code.emit(word: 0x5280_0000)  //                      mov w0,#0            ; CLOCK_REALTIME
    code.emit(word: 0x9100_83e1)  //                      add x1,sp,#32
    code.emit(branch26: 0x9400_0000, .clockGettime)  //   bl clock_gettime
    code.emit(word: 0xf940_0be2)  //                      ldr x2,[sp,#16]      ; timeval
    code.emit(word: 0xa942_13e3)  //                      ldp x3,x4,[sp,#32]
    code.emit(word: 0x5280_7d05)  //                      mov w5,#1000
    code.emit(word: 0x9ac5_0884)  //                      udiv x4,x4,x5
    code.emit(word: 0xa900_1043)  //                      stp x3,x4,[x2]
    code.mark(zone)
    code.emit(word: 0xf940_0fe1)  //                      ldr x1,[sp,#24]
    code.emit(word: 0x5280_0000)  //                      mov w0,#0
    code.emit(branch19: 0xb400_0001, done)  //            cbz x1,done
    code.emit(word: 0xd280_1528)  //                      mov x8,#169          ; gettimeofday(NULL, tz)
    code.emit(word: 0xd280_0000)  //                      mov x0,#0
    code.emit(word: 0xd400_0001)  //                      svc #0
    code.mark(done)
    code.emit(word: 0xa8c3_7bfd)  //                      ldp x29,x30,[sp],#48
    code.emit(word: 0xd65f_03c0)  //                      ret
  }

  /// The true clock_gettime: the system call, for vDSO code of this machine is not moved.
  private static func original(_ code: inout StubCode) {
    code.mark(.original)
    code.emit(word: 0xd280_0e28)  //                      mov x8,#113
    code.emit(word: 0xd400_0001)  //                      svc #0
    code.emit(word: 0xd65f_03c0)  //                      ret
  }
}
