import Glibc
import Support
import TestSupport
import Testing

/// The built program, started as a user would start it.
enum Blackstart {
  /// What one command came to.
  struct Result: Sendable {
    var code: Int32
    var output: String
    var errors: String
  }

  /// The root of this package.
  static let package = String(#filePath.dropLast("/Tests/CommandTests/Blackstart.swift".count))

  /// The executable of this very build: it lies beside the test bundle.
  static let program: String = {
    let own = target(ofLink: "/proc/self/exe") ?? ""
    let beside = own.lastIndex(of: "/").map { "\(own[..<$0])/blackstart" } ?? ""
    return fileExists(beside) ? beside : "\(package)/.build/debug/blackstart"
  }()

  /// The scenario of the drills here.
  static let scenario = "\(package)/Tests/Fixtures/quick-blackout.yaml"

  /// Runs `blackstart` with `arguments` in `directory` and waits for its end.
  static func run(
    _ arguments: [String], in directory: String, program: String = program, user: UInt32? = nil
  ) async throws -> Result {
    try await Self.command(program, arguments, in: directory, user: user)
  }

  /// Runs any program likewise.
  static func command(
    _ path: String, _ arguments: [String], in directory: String, user: UInt32? = nil
  ) async throws -> Result {
    let started = try Started(path, arguments, in: directory, user: user)
    return try await started.result()
  }
}

/// A program that runs, with its output in files of `directory`.
struct Started: Sendable {
  let child: ChildProcess
  private let outputPath: String
  private let errorsPath: String

  init(
    _ path: String, _ arguments: [String], in directory: String, user: UInt32? = nil, output: Int32? = nil,
    input: Int32? = nil
  ) throws {
    let name = "\(directory)/.said-\(UInt32.random(in: 0 ... .max))"
    outputPath = "\(name).out"
    errorsPath = "\(name).err"
    let descriptor = open(outputPath, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
    try #require(descriptor >= 0)
    defer { close(descriptor) }
    var request = ProcessRequest(path, arguments)
    request.directory = directory
    request.logPath = errorsPath
    request.standardOutput = output ?? descriptor
    request.standardInput = input
    request.user = user.map { ($0, $0) }
    child = try ChildProcess(request)
  }

  /// What it has written to standard error so far.
  var saidSoFar: String {
    get throws { String(decoding: try readFile(errorsPath), as: UTF8.self) }
  }

  /// Waits for its end; a program that a signal ended has the shell's code, 128 + signal.
  func result() async throws -> Blackstart.Result {
    let end = try await withDeadline(.seconds(120), "end of \(child.identity)") { await child.wait() }
    let code: Int32 =
      switch end {
      case .exited(let status): status
      case .signalled(let signal): 128 + signal
      case nil: -1
      }
    return Blackstart.Result(
      code: code, output: String(decoding: try readFile(outputPath), as: UTF8.self),
      errors: String(decoding: try readFile(errorsPath), as: UTF8.self))
  }
}

/// A directory of this test's own that the servers' users may enter.
func withDirectory<T>(_ name: String, _ body: (String) async throws -> T) async throws -> T {
  try await withTemporaryDirectory(name, remove: { try removeTree($0) }) { path in
    try #require(chmod(path, 0o755) == 0)
    return try await body(path)
  }
}

/// The quick blackout with one thing changed.
func variant(_ old: String, _ new: String) throws -> String {
  let text = String(decoding: try readFile(Blackstart.scenario), as: UTF8.self)
  let range = try #require(text.firstRange(of: old), "the fixture no longer has '\(old)'")
  return text.replacingCharacters(in: range, with: new)
}

extension String {
  fileprivate func replacingCharacters(in range: Range<Index>, with text: String) -> String {
    "\(self[..<range.lowerBound])\(text)\(self[range.upperBound...])"
  }
}

/// Where a symbolic link points; `nil` for what is none, or is gone.
func target(ofLink path: String) -> String? {
  let buffer = UnsafeMutablePointer<CChar>.allocate(capacity: 4096)
  defer { buffer.deallocate() }
  let count = readlink(path, buffer, 4096)
  guard count >= 0 else { return nil }
  return String(decoding: UnsafeRawBufferPointer(start: buffer, count: count), as: UTF8.self)
}
