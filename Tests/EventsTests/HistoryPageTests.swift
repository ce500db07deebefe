import Events
import FoundationEssentials
import Testing

private let page = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .deletingLastPathComponent().appendingPathComponent("docs/history.md")

@Suite struct HistoryPageTests {
  /// The example on the page is a history, and shows every kind there is.
  @Test func `the page's example reads, and has every kind`() throws {
    let text = String(decoding: try Data(contentsOf: page), as: UTF8.self)
    let start = try #require(text.firstRange(of: "```json\n")).upperBound
    let end = try #require(text[start...].firstRange(of: "```")).lowerBound
    let history = try History(jsonLines: Array(text[start..<end].utf8))
    #expect(history.end == .closed)
    #expect(Set(history.operations.map(\.kind)) == Set(OperationKind.allCases))
    #expect(try History(jsonLines: history.jsonLines()) == history)
  }

  @Test func `the page names every dump`() throws {
    let text = String(decoding: try Data(contentsOf: page), as: UTF8.self)
    for kind in DumpKind.allCases { #expect(text.contains("`\(kind.rawValue)`"), "\(kind.rawValue)") }
  }
}
