import Glibc
import Support
import Testing

/// A small C program that a test compiles and runs, to be disturbed.
struct TestProgram: Sendable {
  let path: String

  /// Compiles `source` once for as long as this test process lives.
  static func compiled(_ name: String, _ source: String, flags: [String] = []) async throws -> TestProgram {
    try await Compiler.shared.program(name, source, flags)
  }

  /// Runs it while `body` does, and ends it.
  ///
  /// - Parameter body: gets the process and a file of 4096 zero bytes, its first argument, which it may map.
  func run<T>(_ arguments: [String] = [], _ body: (ChildProcess, SharedFile) async throws -> T) async throws -> T {
    let file = try SharedFile()
    defer { file.remove() }
    let child = try ChildProcess(ProcessRequest(path, [file.path] + arguments))
    let outcome: Result<T, any Error>
    do {
      // Word 0 is how a program says that it is ready.
      try #require(try await eventually(within: .seconds(10)) { file.word(0) != 0 || child.end != nil })
      outcome = .success(try await body(child, file))
    } catch { outcome = .failure(error) }
    try child.send(Signal.kill)
    _ = await child.wait()
    return try outcome.get()
  }
}

/// A page of memory shared with a test program through a file.
struct SharedFile: Sendable {
  let path: String

  init() throws {
    var template = Array("/tmp/blackstart-test-XXXXXX".utf8CString)
    let descriptor = mkstemp(&template)
    try #require(descriptor >= 0)
    path = String(decoding: template.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    try #require(ftruncate(descriptor, 4096) == 0)
    close(descriptor)
  }

  func remove() { unlink(path) }

  func word(_ index: Int) -> Int64 { words(index, 1)[0] }

  func words(_ index: Int, _ count: Int) -> [Int64] {
    var words = [Int64](repeating: 0, count: count)
    let descriptor = open(path, O_RDONLY)
    defer { close(descriptor) }
    pread(descriptor, &words, count * 8, index * 8)
    return words
  }

  func set(_ index: Int, _ value: Int64) {
    var value = value
    let descriptor = open(path, O_WRONLY)
    defer { close(descriptor) }
    pwrite(descriptor, &value, 8, index * 8)
  }
}

private actor Compiler {
  static let shared = Compiler()
  private var programs: [String: Task<TestProgram, any Error>] = [:]

  func program(_ name: String, _ source: String, _ flags: [String]) async throws -> TestProgram {
    let key = "\(name) \(flags)"
    if let known = programs[key] { return try await known.value }
    let task = Task {
      let directory = "/tmp/blackstart-test-programs.\(getpid())"
      try makeDirectory(directory)
      atexit { try? removeTree("/tmp/blackstart-test-programs.\(getpid())") }
      let file = "\(directory)/\(name)"
      try writeFile("\(file).c", Array(source.utf8))
      var request = ProcessRequest("/usr/bin/cc", ["-O1", "-pthread", "-o", file, "\(file).c"] + flags)
      request.logPath = "\(file).log"
      let end = await (try ChildProcess(request)).wait()
      let log = String(decoding: try readFile("\(file).log"), as: UTF8.self)
      try #require(end == .exited(0), "cc: \(log)")
      return TestProgram(path: file)
    }
    programs[key] = task
    return try await task.value
  }
}
