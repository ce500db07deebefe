internal import Glibc
internal import Support

/// The Java that runs Kafka's servers.
public struct JavaRuntime: Sendable, Hashable, Codable {
  /// The program `java`.
  public var program: String
  /// Its feature release, such as 17.
  public var release: Int
  /// What it says of its build; a class archive fits one build only.
  public var build: String

  /// The oldest that Kafka 4 runs on.
  public static let oldest = 17

  /// Finds a Java and asks it for its version.
  ///
  /// - Parameter environment: a variable's value, `nil` if it is not set. `JAVA_HOME` wins over what is installed.
  /// - Throws: ``Problem`` (usage): there is none, it does not run, or it is too old.
  public static func locate(
    environment: (String) -> String? = environmentVariable
  ) async throws -> JavaRuntime {
    let program: String
    if let home = environment("JAVA_HOME"), !home.isEmpty {
      program = "\(home)/bin/java"
      guard isProgram(program) else {
        throw Problem(
          .usage, at: "JAVA_HOME", "there is no program \(program)",
          fix: "unset JAVA_HOME, or let it name a Java \(oldest)")
      }
    } else if let found = ["/usr/bin/java", "/usr/local/bin/java"].first(where: isProgram) {
      program = found
    } else {
      throw Problem(
        .usage, at: "Java", "Kafka needs Java \(oldest) or newer, and there is none in /usr/bin",
        fix: "apt-get install openjdk-\(oldest)-jre-headless, or set JAVA_HOME")
    }
    let text = try await output(of: program)
    guard let release = release(in: text) else {
      throw Problem(
        .usage, at: program, "it does not say which Java it is: \(text.prefix(120))",
        fix: "apt-get install openjdk-\(oldest)-jre-headless, or set JAVA_HOME")
    }
    guard release >= oldest else {
      throw Problem(
        .usage, at: program, "this is Java \(release), and Kafka needs \(oldest) or newer",
        fix: "apt-get install openjdk-\(oldest)-jre-headless, or set JAVA_HOME")
    }
    return JavaRuntime(program: program, release: release, build: text)
  }

  /// The feature release in what `java -version` prints: `openjdk version "17.0.21"` is 17, `"1.8.0_402"` is 8.
  static func release(in text: String) -> Int? {
    guard let quoted = text.split(separator: "\"", maxSplits: 2, omittingEmptySubsequences: false).dropFirst().first
    else {
      return nil
    }
    let parts = quoted.split { $0 == "." || $0 == "-" || $0 == "_" || $0 == "+" }.compactMap { Int($0) }
    return parts.first == 1 ? parts.dropFirst().first : parts.first
  }

  private static func isProgram(_ path: String) -> Bool { access(path, X_OK) == 0 }

  private static func output(of program: String) async throws -> String {
    let log = "/tmp/blackstart-java-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    var request = ProcessRequest(program, ["-XX:-UsePerfData", "-version"])
    request.logPath = log
    let child = try ChildProcess(request)
    let end = await child.wait()
    let bytes = try readFile(log, limit: 1 << 16)
    try removeTree(log)
    guard let end else {
      try await child.terminate(Signal.kill)
      throw CancellationError()
    }
    guard end == .exited(0) else {
      throw Problem(
        .usage, at: program, "it \(end): \(String(decoding: bytes.prefix(200), as: UTF8.self))",
        fix: "install Java anew")
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
