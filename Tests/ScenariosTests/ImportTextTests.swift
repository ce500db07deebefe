@testable import Scenarios
import Support
import Testing

/// The parts of an import by themselves.
@Suite struct ImportTextTests {
  /// Nothing that is written reads back as something else, whatever is in it.
  @Test func whatIsWrittenIsReadAgain() throws {
    var random = SeededRandom(seed: 20_261_128)
    for _ in 0..<400 {
      let tree = randomTree(depth: 3, &random)
      let text = writeYaml(tree)
      let node = try parseYaml(Array(text.utf8), file: "written.yaml")
      #expect(plain(tree) == plain(YamlTree(node)), "\(text)")
    }
  }

  @Test(arguments: [
    "", " ", "null", "~", "true", "no", "12", "1.5s", "a: b", "a #b", "- a", "[a", "{a", "*a", "&a", "!a", "%a", "@a",
    "`a", "'",
    "\"", "a'b", "\\", "a\nb", "\t", "\u{0}", "\u{7F}", "\u{85}", "\u{2028}", "\u{FEFF}", "é", "日本", "😀", "?", ":",
    "a:", "---",
    "...", "a, b", "x]", "y}", "|", ">", " a", "a ", "=", "<<", "\u{FFFE}", "0x1F", "2026-11-28", "1:30",
  ]) func everyTextKeepsItsLetters(text: String) throws {
    let tree = YamlTree.mapping([
      .init("k", .text(text)), .init("w", .word(text)), .init("f", .flow(.list([.text(text), .word(text)]))),
      .init(text.isEmpty ? "e" : text, .word("v")),
    ])
    let written = writeYaml(.commented(["about \(text)"], tree))
    #expect(plain(YamlTree(try parseYaml(Array(written.utf8), file: "written.yaml"))) == plain(tree), "\(written)")
  }

  @Test func aCommentCannotBeLeft() {
    #expect(commentLines("one\nkey: value\u{2028}two", indent: 2) == ["  # one key: value two"])
    #expect(commentLines("", indent: 0) == ["#"])
    #expect(
      commentLines(String(repeating: "word ", count: 60), indent: 0).allSatisfy {
        $0.count <= 118 && $0.hasPrefix("# ")
      })
  }

  @Test(arguments: [
    ("0", 0), ("90ms", 90_000_000), ("-10m100ns", -600_000_000_100), ("1h2m3.5s", 3_723_500_000_000),
    (".5s", 500_000_000),
    ("+1s", 1_000_000_000), ("1.s", 1_000_000_000), ("0.000000001s", 1), ("1µs", 1000), ("0.5ns", 0),
    ("2562047h47m16.854775807s", Int64.max),
  ]) func durationsAreReadAsGoDoes(text: String, nanoseconds: Int64) {
    #expect(GoDuration(text)?.nanoseconds == nanoseconds)
  }

  @Test(arguments: [
    "", "-", "+", "1", "s", ".s", "1x", "1s2", "--1s", "1 s", "99999999999999999999s", "9223372036854775808ns",
  ])
  func whatGoRefusesIsRefused(text: String) { #expect(GoDuration(text) == nil) }

  @Test(arguments: [
    ("10.0.0.0/8", "10.1.2.3", true), ("10.0.0.0/8", "11.0.0.0", false), ("0.0.0.0/0", "255.255.255.255", true),
    ("10.1.2.3", "10.1.2.3", true), ("10.1.2.0/24", "10.1.0.0/16", false), ("10.1.2.128/25", "10.1.2.127", false),
  ]) func aNetworkHoldsItsAddresses(network: String, address: String, holds: Bool) throws {
    #expect(try #require(Network(network)).contains(try #require(Network(address))) == holds)
  }

  @Test(arguments: ["10.0.0", "10.0.0.0/33", "10.0.0.256", "a.b.c.d", "10.0.0.0/", "", "10.0.0.0/-1", "1.2.3.4/8/8"])
  func whatIsNoNetworkIsNone(text: String) { #expect(Network(text) == nil) }

  @Test func namesAreNarrowedAndToldApart() {
    var names = Names(longest: 8)
    #expect(names.unique("Web_Delay.1") == "web-dela")
    #expect(names.unique("web delay") == "web-de-b")
    #expect(names.unique("***") == "imported")
    #expect(names.unique("日本") == "import-b")
  }

  private func randomTree(depth: Int, _ random: inout SeededRandom) -> YamlTree {
    func text() -> String {
      let pool: [Unicode.Scalar] = [
        "a", "Z", "0", " ", ":", "#", "-", "\"", "'", "\\", "\n", "\t", "[", "]", "{", "}", ",", "&", "*", "!", "%",
        "\u{0}",
        "\u{85}", "\u{A0}", "\u{2028}", "\u{FEFF}", "é", "日", "😀", "~", "?", "|", ">", "@", "`", "=", ".", "/",
        "\u{7F}",
      ]
      var result = ""
      for _ in 0..<Int.random(in: 0...12, using: &random) {
        result.unicodeScalars.append(pool[Int.random(in: 0..<pool.count, using: &random)])
      }
      return result
    }
    switch depth == 0 ? Int.random(in: 0...1, using: &random) : Int.random(in: 0...5, using: &random) {
    case 0: return .text(text())
    case 1: return .word(text())
    case 2: return .list((0..<Int.random(in: 0...3, using: &random)).map { _ in randomTree(depth: depth - 1, &random) })
    case 3: return .flow(randomTree(depth: depth - 1, &random))
    case 4: return .commented([text()], randomTree(depth: depth - 1, &random))
    default:
      var seen: Set<String> = []
      let members = (0..<Int.random(in: 0...3, using: &random)).compactMap { _ -> YamlTree.Member? in
        let key = text()
        return seen.insert(key).inserted ? .init(key, randomTree(depth: depth - 1, &random)) : nil
      }
      return .mapping(members)
    }
  }

  /// A tree without its looks.
  private func plain(_ tree: YamlTree) -> String {
    switch tree {
    case .text(let text), .word(let text): "\(text.debugDescription)"
    case .list(let elements): "[\(elements.map(plain).joined(separator: ","))]"
    case .mapping(let members):
      "{\(members.map { "\($0.key.debugDescription):\(plain($0.value))" }.joined(separator: ","))}"
    case .flow(let tree), .commented(_, let tree): plain(tree)
    }
  }
}
