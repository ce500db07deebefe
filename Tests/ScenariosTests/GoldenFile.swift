import Glibc
import Testing

/// One block of a golden file: see Golden/README.md.
struct GoldenCase: Sendable, CustomTestStringConvertible {
  var name: String
  var changes: [(old: String, new: String)]
  var messages: String

  var testDescription: String { name }

  var actual: String { ScenariosTests.messages(scenario(changes)) }

  /// The block as it stands in the file, with these messages.
  func text(messages: String) -> String {
    func lines(_ text: String, _ mark: String) -> [String] {
      text.split(separator: "\n", omittingEmptySubsequences: false).map { mark + $0 }
    }
    let changed = changes.flatMap { lines($0.old, "-") + lines($0.new, "+") }
    return (["## \(name)"] + changed + [messages]).joined(separator: "\n") + "\n"
  }
}

/// A file of golden cases beside the tests.
struct GoldenFile {
  let path: String
  let cases: [GoldenCase]

  init(_ name: String) {
    path = goldenPath(name)
    cases = String(decoding: contents(of: path), as: UTF8.self).split(separator: "## ").map { GoldenCase(block: $0) }
  }

  /// Writes the messages as they are now.
  func record() {
    write(cases.map { $0.text(messages: $0.actual) }.joined(separator: "\n"), to: path)
  }
}

let recording = getenv("BLACKSTART_RECORD") != nil

/// The path of the golden file called `name`.
func goldenPath(_ name: String) -> String {
  #filePath.split(separator: "/").dropLast().map { "/\($0)" }.joined() + "/Golden/" + name
}

/// A path in the temporary folder that no other test run uses.
func scratch(_ name: String) -> String { "/tmp/blackstart-test-\(getpid())-\(name)" }

/// Makes the file at `path` hold `text`.
func write(_ text: String, to path: String) {
  guard let file = fopen(path, "w") else { preconditionFailure("cannot write \(path)") }
  fputs(text, file)
  fclose(file)
}

/// The bytes of the file at `path`, which must exist.
func contents(of path: String) -> [UInt8] {
  guard let file = fopen(path, "r") else { preconditionFailure("cannot read \(path)") }
  defer { fclose(file) }
  var bytes: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 65_536)
  while true {
    let count = fread(&buffer, 1, buffer.count, file)
    if count == 0 { return bytes }
    bytes += buffer[..<count]
  }
}

extension GoldenCase {
  fileprivate init(block: Substring) {
    var lines = block.split(separator: "\n", omittingEmptySubsequences: false)[...]
    name = String(lines.removeFirst())
    changes = []
    func take(_ mark: Character) -> String {
      var taken: [Substring] = []
      while let line = lines.first, line.first == mark {
        taken.append(line.dropFirst())
        lines.removeFirst()
      }
      return taken.joined(separator: "\n")
    }
    while lines.first?.first == "-" { changes.append((take("-"), take("+"))) }
    messages = lines.joined(separator: "\n")
    while messages.last == "\n" { messages.removeLast() }
  }
}
