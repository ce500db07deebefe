import Checks
import Scenarios
import Support
import Testing

/// docs/anomalies.md is what a person reads who was shown a row.
@Suite struct AnomaliesPageTests {
  @Test func everyRowIsOnThePageWithItsItem() throws {
    let page = String(decoding: try readFile("\(packageRoot)/docs/anomalies.md"), as: UTF8.self)
    let lines = page.split(separator: "\n")
    for row in Anomaly.allCases {
      let line = try #require(lines.first { $0.hasPrefix("| \(row.rawValue) | `\(row.name)` |") }, "\(row.rawValue)")
      #expect(line.contains("| \(row.item?.rawValue ?? "—") |"), "\(row.rawValue): \(line)")
    }
    let rows = lines.filter { $0.contains("| `") }
    #expect(rows.count == Anomaly.allCases.count)
  }

  /// What a scenario may permit is what is looked for, row by row.
  @Test func theLanguageKnowsEveryRow() {
    #expect(PermittedAnomaly.rows.map(\.row) == Anomaly.allCases.map(\.rawValue))
    #expect(PermittedAnomaly.rows.map(\.name) == Anomaly.allCases.map(\.name))
  }
}
