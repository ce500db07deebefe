internal import Foundation
internal import Glibc
internal import Support

/// A running program whose clock is skewed.
struct ClockSubject: Sendable {
  var name: String
  var child: ChildProcess
  /// Whether it forks processes that are meant too.
  var hasChildren = false
  /// Where it says what a reading of its clock costs; `nil` for a program that does not.
  var costFile: String?

  /// Starts one of each kind that this machine has.
  ///
  /// - Parameter part: that kind alone.
  /// - Throws: ``Problem`` (usage) where there is no such kind, or this machine has no such program.
  static func all(in workspace: String, part: String? = nil) async throws -> [ClockSubject] {
    let compiler = searchPath.split(separator: ":").map({ "\($0)/swiftc" }).first(where: fileExists)
    let kinds: [(name: String, isThere: Bool, start: () async throws -> ClockSubject)] = [
      ("c", true, { try await c(workspace) }),
      ("swift", compiler != nil, { try await swift(workspace, compiler ?? "") }),
      ("go", fileExists("/usr/bin/etcd"), { try await go(workspace) }),
      ("java", fileExists("/usr/bin/javac"), { try await java(workspace) }),
      ("postgres", fileExists("/usr/lib/postgresql/15/bin/postgres"), { try await postgres(workspace) }),
    ]
    let wanted = kinds.filter { $0.isThere && (part ?? $0.name) == $0.name }
    guard !wanted.isEmpty else {
      throw Problem(
        .usage, "there is no part '\(part ?? "")' on this machine",
        fix: "parts: \(kinds.filter(\.isThere).map(\.name).joined(separator: ", "))")
    }
    var subjects: [ClockSubject] = []
    for kind in wanted { subjects.append(try await kind.start()) }
    usleep(500_000)  // they set themselves up
    return subjects
  }

  var threads: Int { ((try? listDirectory("/proc/\(child.identity.pid)/task")) ?? []).count }

  /// Nanoseconds for one reading, as the program itself sees it.
  func cost() -> Int64? {
    costFile.flatMap { try? readFile($0) }.flatMap { $0.count >= 8 ? $0 : nil }.map { bytes in
      (0..<8).reduce(0) { $0 | Int64(bytes[$1]) << (8 * Int64($1)) }
    }
  }

  private static func c(_ workspace: String) async throws -> ClockSubject {
    let (source, program, file) = ("\(workspace)/ticker.c", "\(workspace)/ticker-c", "\(workspace)/cost")
    try writeFile(source, Array(cSource.utf8))
    try writeFile(file, [UInt8](repeating: 0, count: 8))
    try await run("/usr/bin/cc", ["-O2", "-pthread", "-o", program, source])
    return ClockSubject(name: "C", child: try ChildProcess(ProcessRequest(program, [file])), costFile: file)
  }

  private static func swift(_ workspace: String, _ compiler: String) async throws -> ClockSubject {
    let (source, program) = ("\(workspace)/ticker.swift", "\(workspace)/ticker-swift")
    try writeFile(source, Array("import Foundation\nwhile true { _ = Date(); usleep(100) }\n".utf8))
    try await run(compiler, ["-O", "-o", program, source])
    return ClockSubject(name: "Swift", child: try ChildProcess(ProcessRequest(program)))
  }

  private static func go(_ workspace: String) async throws -> ClockSubject {
    let port = 20_000 + Int(getpid()) % 10_000
    let (client, peer) = ("http://127.0.0.1:\(port)", "http://127.0.0.1:\(port + 10_000)")
    return ClockSubject(
      name: "Go (etcd)",
      child: try ChildProcess(
        ProcessRequest(
          "/usr/bin/etcd",
          [
            "--name", "one", "--data-dir", "\(workspace)/etcd", "--listen-client-urls", client,
            "--advertise-client-urls",
            client, "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster",
            "one=\(peer)",
          ])))
  }

  private static func java(_ workspace: String) async throws -> ClockSubject {
    try writeFile(
      "\(workspace)/Ticker.java",
      Array(
        """
        public class Ticker {
          public static void main(String[] arguments) throws Exception {
            for (long sum = 0;; sum += System.currentTimeMillis()) if (sum % 1000 == 0) Thread.sleep(1);
          }
        }
        """.utf8))
    try await run("/usr/bin/javac", ["-d", workspace, "\(workspace)/Ticker.java"])
    return ClockSubject(
      name: "Java", child: try ChildProcess(ProcessRequest("/usr/bin/java", ["-Xmx64m", "-cp", workspace, "Ticker"])))
  }

  private static func postgres(_ workspace: String) async throws -> ClockSubject {
    guard let user = getpwnam("postgres")?.pointee else { throw Problem(.fail, "there is no user postgres") }
    let (bin, data) = ("/usr/lib/postgresql/15/bin", "\(workspace)/postgres")
    try makeDirectory(data)
    guard chown(data, user.pw_uid, user.pw_gid) == 0 else { throw SystemError("chown", data) }
    var setup = ProcessRequest("\(bin)/initdb", ["-D", "\(data)/data", "-N", "--no-instructions", "-A", "trust"])
    setup.user = (user.pw_uid, user.pw_gid)
    setup.directory = data
    guard await (try ChildProcess(setup)).wait() == .exited(0) else { throw Problem(.fail, "initdb failed") }
    var request = ProcessRequest("\(bin)/postgres", ["-D", "\(data)/data", "-k", data, "-c", "listen_addresses="])
    request.user = setup.user
    request.directory = data
    return ClockSubject(name: "PostgreSQL with its processes", child: try ChildProcess(request), hasChildren: true)
  }

  /// The caller's own search path: compilers stand anywhere.
  private static var searchPath: String { ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin" }

  private static func run(_ path: String, _ arguments: [String]) async throws {
    var request = ProcessRequest(path, arguments)
    request.environment["PATH"] = searchPath
    let end = await (try ChildProcess(request)).wait()
    guard end == .exited(0) else {
      throw Problem(.fail, "\(path) \(arguments.joined(separator: " ")): \(end.map { "\($0)" } ?? "cancelled")")
    }
  }

  /// Three threads that read the clock, and one that says what a reading costs.
  private static let cSource = """
    #include <fcntl.h>
    #include <pthread.h>
    #include <stdint.h>
    #include <sys/mman.h>
    #include <time.h>
    #include <unistd.h>
    static int64_t of(clockid_t c) {
      struct timespec t;
      clock_gettime(c, &t);
      return t.tv_sec * 1000000000LL + t.tv_nsec;
    }
    static void *tick(void *x) { for (;;) { of(CLOCK_REALTIME); usleep(50); } return x; }
    int main(int c, char **v) {
      volatile int64_t *cost = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, open(v[c - 1], O_RDWR), 0);
      pthread_t t;
      for (int i = 0; i < 3; i++) pthread_create(&t, 0, tick, 0);
      for (;;) {
        int64_t best = 1LL << 60;
        for (int round = 0; round < 20; round++) {
          int64_t begun = of(CLOCK_MONOTONIC);
          for (int i = 0; i < 500; i++) of(CLOCK_REALTIME);
          int64_t took = (of(CLOCK_MONOTONIC) - begun) / 500;
          if (took < best) best = took;
        }
        *cost = best;
        usleep(2000);
      }
    }
    """
}
