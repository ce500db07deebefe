import Glibc
import Scenarios
import Support
import Testing

/// Files that were made to hurt, or are none.
@Suite struct HostileFileTests {
  /// Nine levels of nine aliases stand for 9^9 values in 300 bytes.
  @Test func aBillionLaughsIsRefusedBeforeItIsExpanded() {
    var text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
    for level in 1...9 {
      let aliases = Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ", ")
      text += "a\(level): &a\(level) [\(aliases)]\n"
    }
    #expect(
      messages(text) == """
        drill.yaml:6:15: error: more than 200000 values, aliases counted in full
          fix: split the scenario, or use fewer aliases
        """)
  }

  @Test func aDeepNestingIsRefused() {
    #expect(
      messages(String(repeating: "[", count: 100_000)) == """
        drill.yaml:1:65: error: nested deeper than 64 levels
          fix: no scenario needs that depth
        """)
    #expect(messages((0..<100).map { String(repeating: " ", count: $0) + "a:\n" }.joined()).contains("nested deeper"))
  }

  @Test(arguments: [
    ("", "drill.yaml:1:1: error: the file holds no document"),
    ("# nothing but a comment\n", "drill.yaml:2:1: error: the file holds no document"),
    ("--- ~\n", "drill.yaml:1:5: error: expected a mapping, found nothing"),
    ("just text", "drill.yaml:1:1: error: expected a mapping, found 'just text'"),
    ("- a\n- b\n", "drill.yaml:1:1: error: expected a mapping, found a list"),
    (
      "a: \u{1}\n",
      "drill.yaml:1:4: error: not a text in UTF-8: control characters are not allowed (byte 3)\n  fix: save the file as UTF-8 text"
    ),
  ]) func whatIsNoScenarioGetsOneMessage(text: String, message: String) {
    #expect(messages(text) == message)
  }

  @Test func whatIsNoTextIsRefused() {
    let bytes: [[UInt8]] = [[0xFF, 0xFE, 0x00, 0xD8], [0x61, 0x3A, 0x20, 0xC3, 0x28], [0x80], [0x00, 0x00, 0x00]]
    for bytes in bytes {
      #expect(problem { _ = try parseScenario(bytes, file: "drill.yaml") }?.contains("drill.yaml:1:") == true)
    }
  }

  /// Every beginning of a good file is read or refused; none crashes, and every refusal says where.
  @Test func aFileCutAnywhereIsRefusedWithAPlace() {
    let bytes = Array(goodScenario.utf8)
    for length in 0..<(bytes.count - 2) {
      let message = problem { _ = try parseScenario(Array(bytes[..<length]), file: "drill.yaml") }
      #expect(message?.hasPrefix("drill.yaml:") == true, "cut at \(length)")
    }
  }

  /// One byte changed at random, a thousand times: accepted or refused with a place.
  @Test func aFileWithAChangedByteIsReadOrRefused() {
    var random = SeededRandom(seed: 20_261_120)
    for _ in 0..<1000 {
      var bytes = Array(goodScenario.utf8)
      bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
      let message = problem { _ = try parseScenario(bytes, file: "drill.yaml") }
      #expect(message?.hasPrefix("drill.yaml:") != false)
    }
  }

  /// Its size is looked at before a byte of it is read: the sparse file here has 100 MB and no contents.
  @Test func aFileOf100MegabytesIsRefusedBySize() {
    let path = scratch("large.yaml")
    defer { unlink(path) }
    write("", to: path)
    #expect(truncate(path, 100_000_000) == 0)
    #expect(
      problem { _ = try loadScenario(at: path) } == """
        \(path): error: is 95.4 MiB large; a scenario has at most 10 MiB
          fix: is this the right file? It was not read
        """)
  }

  @Test func aMissingFileIsNamed() {
    #expect(
      problem { _ = try loadScenario(at: "no/such.yaml") } == """
        no/such.yaml: error: cannot be opened: No such file or directory (2)
          fix: check the name; ready-made scenarios stand in scenarios/
        """)
  }

  @Test func whatIsNoFileIsRefusedWithoutWaiting() {
    let pipe = scratch("pipe")
    defer { unlink(pipe) }
    #expect(mkfifo(pipe, 0o600) == 0)
    for path in ["/", "/dev/zero", pipe] {
      #expect(problem { _ = try loadScenario(at: path) } == "\(path): error: is not a regular file")
    }
  }

  @Test func theScenariosOfTheLibraryAreAcceptedWithoutWarnings() throws {
    let folder = #filePath.split(separator: "/").dropLast(3).map { "/\($0)" }.joined() + "/scenarios"
    let loaded = try loadScenario(at: "\(folder)/region-blackout.yaml")
    #expect(loaded.scenario.metadata.name == "region-blackout")
    #expect(loaded.remarks.filter { $0.severity != .note } == [])
  }
}
