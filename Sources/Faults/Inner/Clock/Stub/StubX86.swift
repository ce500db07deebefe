/// The stub for x86-64. It stands in for `clock_gettime`, `gettimeofday` and `time` of the vDSO and changes no more registers
/// than a C function may.
enum StubX86 {
  /// - Parameter displaced: the first whole instructions of the original `clock_gettime`, which the jump to the stub
  ///   overwrites, and where the rest stands; `nil` to make the real system call instead.
  static func code(displaced: Displaced?) -> StubCode {
    var code = StubCode()
    clockGettime(&code)
    code.align(16, with: 0xcc)
    getTimeOfDay(&code)
    code.align(16, with: 0xcc)
    time(&code)
    code.align(16, with: 0xcc)
    original(&code, displaced)
    code.align(16, with: 0xcc)
    comeBack(&code)
    return code
  }

  /// Where a function returns to that somebody called in a thread's name: the thread takes back its signal mask, its registers
  /// and its place from the record that the stack pointer shows (``RemoteCall``), by itself. So it goes on as if nothing had
  /// been, also when whoever called is dead by then.
  private static func comeBack(_ code: inout StubCode) {
    code.mark(.comeBack)
    code.emit(0x49, 0x89, 0xc0)  //                       mov r8,rax           ; what the function returned
    code.emit(0xb8, 14, 0, 0, 0)  //                      mov eax,14           ; rt_sigprocmask(SIG_SETMASK, rsp, 0, 8)
    code.emit(0xbf, 2, 0, 0, 0)  //                       mov edi,2
    code.emit(0x48, 0x89, 0xe6)  //                       mov rsi,rsp
    code.emit(0x31, 0xd2)  //                             xor edx,edx
    code.emit(0x41, 0xba, 8, 0, 0, 0)  //                 mov r10d,8
    code.mark(.gate)
    code.emit(0x0f, 0x05)  //                             syscall
    code.emit(0x48, 0x83, 0xc4, 0x08)  //                 add rsp,8
    for register in stride(from: UInt8(0x5f), through: 0x58, by: -1) {
      code.emit(0x41, register)  //                       pop r15 … r8
    }
    // pop rbp, rdi, rsi, rdx, rcx, rbx, rax; and all that is left at once, without touching the stack that was.
    code.emit(0x5d, 0x5f, 0x5e, 0x5a, 0x59, 0x5b, 0x58)
    code.emit(0x48, 0xcf)  //                             iretq
  }

  /// Instructions that do the same wherever they stand.
  struct Displaced: Sendable, Hashable {
    var bytes: [UInt8]
    /// Where the original goes on, counted from the image's start.
    var rest: Int
  }

  /// int clock_gettime(clockid_t edi, struct timespec *rsi)
  private static func clockGettime(_ code: inout StubCode) {
    let done = StubCode.Place.local(0)
    let zero = StubCode.Place.local(1)
    let positive = StubCode.Place.local(2)
    code.mark(.clockGettime)
    code.emit(0x57)  //                                   push rdi
    code.emit(0x56)  //                                   push rsi
    code.emit(0xe8, relative32: .original)  //            call original
    code.emit(0x5e)  //                                   pop rsi
    code.emit(0x5f)  //                                   pop rdi
    code.emit(0x85, 0xc0)  //                             test eax,eax
    code.emit(0x0f, 0x85, relative32: done)  //           jnz done             ; it failed, and says why
    code.emit(0x83, 0xff, 0x3f)  //                       cmp edi,63
    code.emit(0x0f, 0x87, relative32: done)  //           ja done              ; no bit for it, nor for negative ones
    code.emit(0x48, 0x8b, 0x0d, relative32: .word(StubLayout.mask))  // mov rcx,[rip+mask]
    code.emit(0x48, 0x0f, 0xa3, 0xf9)  //                 bt rcx,rdi
    code.emit(0x0f, 0x83, relative32: done)  //           jnc done             ; not one of the skewed clocks
    code.emit(0x56)  //                                   push rsi
    code.emit(0x48, 0x83, 0xec, 0x10)  //                 sub rsp,16
    code.emit(0xbf, 1, 0, 0, 0)  //                       mov edi,1            ; CLOCK_MONOTONIC
    code.emit(0x48, 0x89, 0xe6)  //                       mov rsi,rsp
    code.emit(0xe8, relative32: .original)  //            call original
    code.emit(0x4c, 0x69, 0x04, 0x24, 0x00, 0xca, 0x9a, 0x3b)  // imul r8,[rsp],1000000000
    code.emit(0x4c, 0x03, 0x44, 0x24, 0x08)  //           add r8,[rsp+8]       ; now, in ns
    code.emit(0x48, 0x83, 0xc4, 0x10)  //                 add rsp,16
    code.emit(0x5e)  //                                   pop rsi
    code.emit(0x85, 0xc0)  //                             test eax,eax
    code.emit(0x75, relative8: zero)  //                  jnz zero
    code.emit(0x4c, 0x3b, 0x05, relative32: .word(StubLayout.expiry))  // cmp r8,[rip+expiry]
    code.emit(0x7d, relative8: zero)  //                  jge zero             ; the lease is over
    code.emit(0x48, 0x8b, 0x0d, relative32: .word(StubLayout.index))  // mov rcx,[rip+index]
    code.emit(0x83, 0xe1, 0x03)  //                       and ecx,3
    code.emit(0x48, 0x8d, 0x0c, 0x49)  //                 lea rcx,[rcx+rcx*2]
    code.emit(0x4c, 0x8d, 0x0d, relative32: .word(StubLayout.slots))  // lea r9,[rip+slots]
    code.emit(0x4d, 0x8d, 0x0c, 0xc9)  //                 lea r9,[r9+rcx*8]
    code.emit(0x4c, 0x89, 0xc0)  //                       mov rax,r8
    code.emit(0x49, 0x2b, 0x01)  //                       sub rax,[r9]         ; since the base
    code.emit(0x49, 0xf7, 0x69, 0x10)  //                 imul qword [r9+16]   ; rdx:rax, times the rate
    code.emit(0x48, 0x0f, 0xac, 0xd0, 0x28)  //           shrd rax,rdx,40
    code.emit(0x49, 0x03, 0x41, 0x08)  //                 add rax,[r9+8]       ; plus the offset
    code.emit(0x48, 0x03, 0x46, 0x08)  //                 add rax,[rsi+8]      ; plus tv_nsec
    code.emit(0x48, 0x99)  //                             cqo
    code.emit(0xb9, 0x00, 0xca, 0x9a, 0x3b)  //           mov ecx,1000000000
    code.emit(0x48, 0xf7, 0xf9)  //                       idiv rcx
    code.emit(0x48, 0x85, 0xd2)  //                       test rdx,rdx
    code.emit(0x79, relative8: positive)  //              jns positive
    code.emit(0x48, 0x01, 0xca)  //                       add rdx,rcx          ; tv_nsec is never negative
    code.emit(0x48, 0xff, 0xc8)  //                       dec rax
    code.mark(positive)
    code.emit(0x48, 0x01, 0x06)  //                       add [rsi],rax
    code.emit(0x48, 0x89, 0x56, 0x08)  //                 mov [rsi+8],rdx
    code.mark(zero)
    code.emit(0x31, 0xc0)  //                             xor eax,eax
    code.mark(done)
    code.emit(0xc3)  //                                   ret
  }

  /// int gettimeofday(struct timeval *rdi, struct timezone *rsi); either may be NULL.
  private static func getTimeOfDay(_ code: inout StubCode) {
    let zone = StubCode.Place.local(10)
    let done = StubCode.Place.local(11)
    code.mark(.getTimeOfDay)
    code.emit(0x56)  //                                   push rsi
    code.emit(0x48, 0x85, 0xff)  //                       test rdi,rdi
    code.emit(0x74, relative8: zone)  //                  jz zone
    code.emit(0x57)  //                                   push rdi
    code.emit(0x48, 0x83, 0xec, 0x10)  //                 sub rsp,16
    code.emit(0x31, 0xff)  //                             xor edi,edi          ; CLOCK_REALTIME
    code.emit(0x48, 0x89, 0xe6)  //                       mov rsi,rsp
    code.emit(0xe8, relative32: .clockGettime)  //        call clock_gettime
    code.emit(0x59)  //                                   pop rcx              ; tv_sec
    code.emit(0x58)  //                                   pop rax              ; tv_nsec
    code.emit(0x5f)  //                                   pop rdi
    code.emit(0x48, 0x89, 0x0f)  //                       mov [rdi],rcx
    code.emit(0x31, 0xd2)  //                             xor edx,edx
    code.emit(0xb9, 0xe8, 0x03, 0, 0)  //                 mov ecx,1000
    code.emit(0x48, 0xf7, 0xf1)  //                       div rcx
    code.emit(0x48, 0x89, 0x47, 0x08)  //                 mov [rdi+8],rax      ; tv_usec
    code.mark(zone)
    code.emit(0x5e)  //                                   pop rsi
    code.emit(0x31, 0xc0)  //                             xor eax,eax
    code.emit(0x48, 0x85, 0xf6)  //                       test rsi,rsi
    code.emit(0x74, relative8: done)  //                  jz done
    code.emit(0x31, 0xff)  //                             xor edi,edi
    code.emit(0xb8, 96, 0, 0, 0)  //                      mov eax,96           ; gettimeofday(NULL, tz)
    code.emit(0x0f, 0x05)  //                             syscall
    code.mark(done)
    code.emit(0xc3)  //                                   ret
  }

  /// time_t time(time_t *rdi); NULL is common.
  private static func time(_ code: inout StubCode) {
    let done = StubCode.Place.local(20)
    code.mark(.time)
    code.emit(0x57)  //                                   push rdi
    code.emit(0x48, 0x83, 0xec, 0x10)  //                 sub rsp,16
    code.emit(0xbf, 5, 0, 0, 0)  //                       mov edi,5            ; CLOCK_REALTIME_COARSE, as the original
    code.emit(0x48, 0x89, 0xe6)  //                       mov rsi,rsp
    code.emit(0xe8, relative32: .clockGettime)  //        call clock_gettime
    code.emit(0x58)  //                                   pop rax              ; tv_sec
    code.emit(0x59)  //                                   pop rcx
    code.emit(0x5f)  //                                   pop rdi
    code.emit(0x48, 0x85, 0xff)  //                       test rdi,rdi
    code.emit(0x74, relative8: done)  //                  jz done
    code.emit(0x48, 0x89, 0x07)  //                       mov [rdi],rax
    code.mark(done)
    code.emit(0xc3)  //                                   ret
  }

  /// The true clock_gettime.
  private static func original(_ code: inout StubCode, _ displaced: Displaced?) {
    code.mark(.original)
    if let displaced {
      code.emit(displaced.bytes)
      code.emit(0xe9, relative32: .image(displaced.rest))  // jmp rest
    } else {
      code.emit(0xb8, 228, 0, 0, 0)  //                   mov eax,228          ; clock_gettime
      code.emit(0x0f, 0x05)  //                           syscall
      code.emit(0xc3)  //                                 ret
    }
  }
}
