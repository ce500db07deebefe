import Glibc
import Support
import Testing

@testable import Faults

private let second: Int64 = 1_000_000_000

/// Skews and ends the skew a few times while `ahead` is asked how far the program's clock is ahead (ns).
private func cycle(
  _ child: ChildProcess, times: Int = 3, tolerance: Int64 = 2 * second, _ ahead: () async throws -> Int64?
) async throws {
  try await InnerScratch.with { scratch in
    for round in 0..<times {
      let offset = (round % 2 == 0 ? 5000 : -7000) * second
      let fault = InnerFault(
        id: "f\(round)", run: "test", node: "n",
        effect: .clock(ClockSkew(offsetNanoseconds: offset, driftPartsPerBillion: 200_000)),
        processes: ProcessSelector(.process(child.identity)), timing: .init(lease: .seconds(60), heartbeat: .seconds(1))
      )
      let receipt = try await scratch.holder.arm(fault)
      #expect(receipt.counters.coverage == 1)
      #expect(try await isAhead(offset, tolerance, ahead), "round \(round)")
      #expect(try await scratch.holder.disarm(fault.id).end == .disarmed)
      #expect(try await isAhead(0, tolerance, ahead), "round \(round), afterwards")
    }
    let clean = try isClean(child.identity)
    #expect(clean)
    #expect(child.end == nil)
  }
}

private func isAhead(_ offset: Int64, _ tolerance: Int64, _ ahead: () async throws -> Int64?) async throws -> Bool {
  let deadline = ContinuousClock.now + .seconds(10)
  while ContinuousClock.now < deadline {
    if let found = try await ahead(), abs(found - offset) < tolerance { return true }
    try await Task.sleep(for: .milliseconds(5))  // another process is at work, which sends no event
  }
  return false
}

/// Programs that people run, in the languages they are written in.
@Suite(.serialized, .enabled(if: isRoot, "needs root to trace")) struct RealProgramClockTests {
  @Test(.enabled(if: fileExists("/usr/bin/javac"), "needs a JDK")) func aJavaProgram() async throws {
    try await withDirectory { directory in
      try writeFile("\(directory)/Ticker.java", Array(javaProgram.utf8))
      try await run("/usr/bin/javac", ["-J-XX:TieredStopAtLevel=1", "-d", directory, "\(directory)/Ticker.java"])
      let file = try SharedFile()
      defer { file.remove() }
      let arguments = ["-XX:+UseSerialGC", "-Xmx64m", "-XX:TieredStopAtLevel=1", "-cp", directory, "Ticker", file.path]
      try await whileRunning(try ChildProcess(ProcessRequest("/usr/bin/java", arguments))) { child in
        try #require(try await eventually(within: .seconds(60)) { file.word(0) != 0 || child.end != nil })
        try await cycle(child) { file.word(1) - (readClock(0) - readClock(1)) }
      }
    }
  }

  @Test(.enabled(if: fileExists("/usr/bin/etcd"), "needs etcd")) func aGoProgram() async throws {
    try await withDirectory { directory in
      let port = UInt16.random(in: 20_000..<30_000)
      let (client, peer) = ("http://127.0.0.1:\(port)", "http://127.0.0.1:\(port + 1)")
      var request = ProcessRequest(
        "/usr/bin/etcd",
        [
          "--name", "one", "--data-dir", "\(directory)/data", "--listen-client-urls", client, "--advertise-client-urls",
          client, "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", "one=\(peer)",
        ])
      request.logPath = "\(directory)/log"
      try await whileRunning(try ChildProcess(request)) { child in
        try #require(try await eventually(within: .seconds(60)) { httpDate(port) != nil || child.end != nil })
        // Its answers say the time to the second.
        try await cycle(child, tolerance: 3 * second) { httpDate(port).map { $0 * second - readClock(0) } }
      }
    }
  }

  @Test(.enabled(if: fileExists("/usr/lib/postgresql/15/bin/postgres"), "needs PostgreSQL")) func aDatabase()
    async throws
  {
    try await withDirectory { directory in
      let user = try #require(getpwnam("postgres")).pointee
      try #require(chown(directory, user.pw_uid, user.pw_gid) == 0)
      let bin = "/usr/lib/postgresql/15/bin"
      var setup = ProcessRequest(
        "\(bin)/initdb", ["-D", "\(directory)/data", "-N", "--no-instructions", "-A", "trust", "-E", "UTF8"])
      setup.user = (user.pw_uid, user.pw_gid)
      setup.directory = directory
      try #require(await (try ChildProcess(setup)).wait() == .exited(0))
      var ends: [Int32] = [0, 0]
      try #require(pipe(&ends) == 0)
      defer { close(ends[1]) }
      var request = ProcessRequest("\(bin)/postgres", ["--single", "-D", "\(directory)/data", "postgres"])
      request.user = (user.pw_uid, user.pw_gid)
      request.directory = directory
      request.standardInput = ends[0]
      request.logPath = "\(directory)/log"
      try await whileRunning(try ChildProcess(request)) { child in
        close(ends[0])
        var asked = 0
        try await cycle(child) {
          asked += 1
          let query = Array(
            "select 'n\(asked)=' || (extract(epoch from clock_timestamp()) * 1000)::bigint || ';'\n".utf8)
          #expect(write(ends[1], query, query.count) == query.count)
          var answer: Int64?
          let now = readClock(0)
          _ = try await eventually(within: .seconds(20)) {
            answer = value(of: "n\(asked)=", in: String(decoding: try readFile("\(directory)/log"), as: UTF8.self))
            return answer != nil || child.end != nil
          }
          return answer.map { $0 * 1_000_000 - now }
        }
      }
    }
  }

  @Test func aSwiftProgram() async throws {
    try await withDirectory { directory in
      try writeFile("\(directory)/ticker.swift", Array(swiftProgram.utf8))
      let compiler = try #require(program("swiftc"))
      try await run(compiler, ["-swift-version", "5", "-o", "\(directory)/ticker", "\(directory)/ticker.swift"])
      let file = try SharedFile()
      defer { file.remove() }
      try await whileRunning(try ChildProcess(ProcessRequest("\(directory)/ticker", [file.path]))) { child in
        try #require(try await eventually(within: .seconds(60)) { file.word(0) != 0 || child.end != nil })
        try await cycle(child) { file.word(1) - (readClock(0) - readClock(1)) }
      }
    }
  }
}

private func withDirectory(_ body: (String) async throws -> Void) async throws {
  var template = Array("/tmp/blackstart-test-XXXXXX".utf8CString)
  try #require(mkdtemp(&template) != nil)
  let path = String(decoding: template.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  defer { try? removeTree(path) }
  try await body(path)
}

private func whileRunning(_ child: ChildProcess, _ body: (ChildProcess) async throws -> Void) async throws {
  let outcome: Result<Void, any Error>
  do { outcome = .success(try await body(child)) } catch { outcome = .failure(error) }
  try await child.terminate(Signal.kill)
  try outcome.get()
}

private func run(_ path: String, _ arguments: [String]) async throws {
  var request = ProcessRequest(path, arguments)
  request.environment["PATH"] = searchPath
  request.environment["HOME"] = "/tmp"
  let end = await (try ChildProcess(request)).wait()
  try #require(end == .exited(0), "\(path) \(arguments)")
}

/// What stands behind `name` up to a semicolon.
private func value(of name: String, in text: String) -> Int64? {
  guard let place = text.range(of: name) else { return nil }
  return Int64(text[place.upperBound...].prefix { $0 != ";" && $0 != "\"" && $0 != "\n" })
}

extension String {
  fileprivate func range(of part: String) -> Range<String.Index>? {
    let (text, wanted) = (Array(utf8), Array(part.utf8))
    guard wanted.count <= text.count else { return nil }
    // The last one: the query's own echo comes before its answer.
    for start in stride(from: text.count - wanted.count, through: 0, by: -1)
    where text[start...].starts(with: wanted) {
      let from = utf8.index(utf8.startIndex, offsetBy: start)
      return from..<utf8.index(from, offsetBy: wanted.count)
    }
    return nil
  }
}

/// The time of an HTTP server by its `Date` header, in seconds since 1970; `nil` while it does not answer.
private func httpDate(_ port: UInt16) -> Int64? {
  let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
  defer { close(descriptor) }
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_port = port.bigEndian
  address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
  let connected = withUnsafePointer(to: address) { pointer in
    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
      connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
    }
  }
  guard connected == 0 else { return nil }
  let request = Array("GET /version HTTP/1.0\r\n\r\n".utf8)
  guard write(descriptor, request, request.count) == request.count else { return nil }
  var bytes = [UInt8](repeating: 0, count: 4096)
  let count = read(descriptor, &bytes, bytes.count)
  guard count > 0 else { return nil }
  let answer = String(decoding: bytes[..<count], as: UTF8.self)
  guard let line = answer.split(separator: "\r\n").first(where: { $0.hasPrefix("Date: ") }) else { return nil }
  // Date: Sat, 28 Nov 2026 04:11:19 GMT
  let words = line.split(whereSeparator: { $0 == " " || $0 == ":" })
  let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
  guard words.count == 9, let month = months.firstIndex(of: String(words[3])) else { return nil }
  let numbers = [2, 4, 5, 6, 7].compactMap { Int32(words[$0]) }
  guard numbers.count == 5 else { return nil }
  var parts = tm()
  (parts.tm_mday, parts.tm_mon, parts.tm_year) = (numbers[0], Int32(month), numbers[1] - 1900)
  (parts.tm_hour, parts.tm_min, parts.tm_sec) = (numbers[2], numbers[3], numbers[4])
  return Int64(timegm(&parts))
}

private let javaProgram = """
  import java.nio.ByteOrder;
  import java.nio.channels.FileChannel;
  import java.nio.file.*;
  public class Ticker {
    public static void main(String[] arguments) throws Exception {
      FileChannel file = FileChannel.open(Path.of(arguments[0]), StandardOpenOption.READ, StandardOpenOption.WRITE);
      var page = file.map(FileChannel.MapMode.READ_WRITE, 0, 4096).order(ByteOrder.LITTLE_ENDIAN);
      for (;;) {
        page.putLong(8, System.currentTimeMillis() * 1000000L - System.nanoTime());
        page.putLong(0, 1);
        Thread.sleep(1);
      }
    }
  }
  """

private let swiftProgram = """
  import Foundation
  let file = open(CommandLine.arguments[1], O_RDWR)
  let page = mmap(nil, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0)!.assumingMemoryBound(to: Int64.self)
  while true {
    let date = Date().timeIntervalSince1970
    page[1] = Int64(date * 1e9) - Int64(DispatchTime.now().uptimeNanoseconds)
    page[0] = 1
    usleep(1000)
  }
  """
