import Scenarios
import Support
import Testing

/// docs/scenario-language.md is what people write by, so it is held against the parser.
@Suite struct LanguagePageTests {
  private static func page() throws -> String {
    let root = #filePath.split(separator: "/").dropLast(3).map { "/\($0)" }.joined()
    return String(decoding: try readFile("\(root)/docs/scenario-language.md"), as: UTF8.self)
  }

  private static func example() throws -> [String] {
    let lines = try page().split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    let start = try #require(lines.firstIndex(of: "```yaml"))
    let end = try #require(lines[start...].firstIndex(of: "```"))
    return Array(lines[(start + 1)..<end])
  }

  /// The keys that the parser knows in the mapping that holds the unknown key of `text`.
  private static func knownKeys(in text: String) throws -> [String] {
    do throws(Problems) {
      _ = try parseScenario(Array(text.utf8), file: "page.yaml")
      return []
    } catch {
      let fix = error.items.first { $0.what.contains("'zzz'") }?.fix ?? ""
      return fix.split(separator: "keys here: ").last?.split(separator: ", ").map(String.init) ?? []
    }
  }

  @Test func theExampleIsAValidScenario() throws {
    let text = try Self.example().joined(separator: "\n") + "\n"
    let loaded = try parseScenario(Array(text.utf8), file: "page.yaml")
    #expect(loaded.remarks.isEmpty, "\(loaded.remarks)")
  }

  /// An unknown key is put into every mapping of the example in turn; the parser then lists the keys that it knows there.
  @Test func everyKeyOfTheParserIsOnThePage() throws {
    let lines = try Self.example()
    let page = try Self.page()
    var known: Set<String> = []
    for (number, line) in lines.enumerated() {
      var changed = lines
      if let brace = line.firstIndex(of: "{") {
        changed[number].insert(contentsOf: " zzz: 1,", at: line.index(after: brace))
      } else if let depth = line.firstIndex(where: { $0 != " " }), line[depth] != "-" {
        changed.insert("\(line[..<depth])zzz: 1", at: number)
      } else {
        continue
      }
      known.formUnion(try Self.knownKeys(in: changed.joined(separator: "\n") + "\n"))
    }
    #expect(
      known.isSuperset(of: ["apiVersion", "ttl", "workers", "margin", "rpo", "within", "maxDuration", "is", "from"]))
    for key in known.sorted() {
      #expect(page.contains("`\(key)`") || page.contains(".\(key)`"), "\(key) is not on the page")
    }
  }

  /// Keys and words of the schema, which is held against the reader, are on the page too.
  @Test func everyKeyAndWordOfTheSchemaIsOnThePage() throws {
    let page = try Self.page()
    let rows = Set(PermittedAnomaly.rows.flatMap { [$0.row, $0.name] })
    var missing: Set<String> = []
    func walk(_ value: JSONValue) {
      switch value {
      case .object(let members):
        if case .object(let properties)? = members["properties"], members["type"]?.string == "object" {
          missing.formUnion(properties.keys.filter { !page.contains("`\($0)") && !page.contains(".\($0)`") })
        }
        let words = (members["enum"]?.array ?? []).compactMap(\.string)
        // The rows of the taxonomy have a page of their own.
        missing.formUnion(words.filter { !rows.contains($0) && !page.contains($0) })
        members.values.forEach(walk)
      case .array(let elements): elements.forEach(walk)
      default: break
      }
    }
    walk(try decodeJSON(JSONValue.self, from: scenarioSchema()))
    #expect(missing.sorted() == [])
  }

  @Test func everyItemAndMetricIsOnThePages() throws {
    let page = try Self.page()
    for item in ChecklistItem.allCases { #expect(page.contains("item: \(item.rawValue)")) }
    for metric in Scenarios.Metric.allCases { #expect(page.contains("`\(metric.rawValue)`")) }
    for kind in FaultSpecification.Kind.allCases { #expect(page.contains("`\(kind.rawValue)`")) }
    for role in Role.allCases { #expect(page.contains("`\(role.rawValue)`")) }
  }
}
