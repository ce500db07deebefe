internal import Glibc
internal import Support

/// A program that compares, again and again, what its C library tells it of the time of day with what the kernel does, and the
/// bytes of its vDSO: looked at without the code of whoever changes them.
struct SweptClock: Sendable {
  private let file: String
  private let before: [UInt8]
  private let pid: Int32

  /// Makes the program and starts it.
  static func start(in workspace: String) async throws -> ChildProcess {
    let (source, program, file) = ("\(workspace)/clocks.c", "\(workspace)/clocks", "\(workspace)/told")
    try writeFile(source, Array(text.utf8))
    let end = await (try ChildProcess(ProcessRequest("/usr/bin/cc", ["-O2", "-o", program, source]))).wait()
    guard end == .exited(0) else {
      throw Problem(.fail, at: source, "it cannot be compiled", fix: "apt-get install gcc")
    }
    try writeFile(file, [UInt8](repeating: 0, count: 8))
    let process = try ChildProcess(ProcessRequest(program, [file]))
    usleep(20_000)  // it sets itself up
    return process
  }

  init(in workspace: String, pid: Int32) throws {
    file = "\(workspace)/told"
    self.pid = pid
    before = try vdso(of: pid)
  }

  /// By how many milliseconds the program's clock is wrong at this moment.
  private func wrongMilliseconds() throws -> Int64 {
    let bytes = try readFile(file)
    guard bytes.count >= 8 else { return 0 }
    return (0..<8).reduce(Int64(0)) { $0 | Int64(bytes[$1]) << (8 * Int64($1)) } / 1_000_000
  }

  /// Whether it is told a wrong time.
  func isWrong() throws -> Bool { abs(try wrongMilliseconds()) > 2 }

  /// What is wrong with it, in words.
  func remains() throws -> [String] {
    (try isWrong() ? ["clock wrong"] : []) + (try vdso(of: pid) != before ? ["vDSO changed"] : [])
  }

  /// The least of a few differences, for between two readings anything can come.
  private static let text = """
    #define _GNU_SOURCE
    #include <fcntl.h>
    #include <stdint.h>
    #include <stdlib.h>
    #include <sys/mman.h>
    #include <sys/syscall.h>
    #include <time.h>
    #include <unistd.h>
    static int64_t ns(struct timespec t) { return t.tv_sec * 1000000000LL + t.tv_nsec; }
    int main(int c, char **v) {
      volatile int64_t *seen = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, open(v[c - 1], O_RDWR), 0);
      for (;;) {
        int64_t best = INT64_MAX;
        for (int i = 0; i < 8; i++) {
          struct timespec told, kernel;
          clock_gettime(CLOCK_REALTIME, &told);
          syscall(SYS_clock_gettime, CLOCK_REALTIME, &kernel);
          int64_t difference = ns(told) - ns(kernel);
          if (llabs(difference) < llabs(best)) best = difference;
        }
        *seen = best;
        usleep(200);
      }
    }
    """
}

/// The machine's own clock beside the raw one, which nothing reaches.
struct SweptNodeClock: Sendable {
  /// Only in a guest kernel is a node's clock ever set: never on the machine that the sweep runs on.
  static var isAllowed: Bool { getenv(guestVariable).map { String(cString: $0) } == "uml" }

  /// The variable of the environment by which scripts/guest says which guest kernel this is.
  static let guestVariable = "BLACKSTART_GUEST"

  private let gap: Int64

  init() { gap = Self.gap() }

  /// What is wrong with it, in words; `nil` if nothing is.
  func wrong() -> String? {
    let first = Self.gap()
    usleep(20_000)
    let second = Self.gap()
    if abs(second - gap) > 2_000_000 { return "clock \((second - gap) / 1_000_000) ms ahead" }
    // A rate that is 5 % wrong comes to a millisecond in that time.
    if abs(second - first) > 400_000 { return "clock runs wrong" }
    return nil
  }

  /// The best of a few readings.
  private static func gap() -> Int64 {
    func read(_ clock: clockid_t) -> Int64 {
      var value = timespec()
      clock_gettime(clock, &value)
      return Int64(value.tv_sec) * 1_000_000_000 + Int64(value.tv_nsec)
    }
    var best = (took: Int64.max, gap: Int64(0))
    for _ in 0..<8 {
      let raw = read(CLOCK_MONOTONIC_RAW)
      let time = read(CLOCK_REALTIME)
      let took = read(CLOCK_MONOTONIC_RAW) - raw
      if took < best.took { best = (took, time - raw - took / 2) }
    }
    return best.gap
  }
}
