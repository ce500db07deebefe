import Scenarios
import Support
import Testing

/// What docs/hosts.md shows, and the files beside it, as a user would copy them. Their hosts are not there to be asked, so they are
/// planned as far as that goes without.
@Suite struct HostExamplesTests {
  private static let docs = #filePath.split(separator: "/").dropLast(3).map { "/\($0)" }.joined() + "/docs"

  @Test(arguments: [
    ("hosts-blackout", "external: a system that stands there, asked by probes alone"),
    ("hosts-inside", "external: a system that stands there, asked by probes alone"),
    ("kafka-standing-link-cut", "never touches: other topics, other groups' positions, access rules"),
  ]) func aFileIsValidAndPlanned(name: String, said: String) throws {
    let path = "\(Self.docs)/examples/\(name).yaml"
    let loaded = try parseScenario(try readFile(path), file: path)
    #expect(loaded.remarks.map { "\($0)" } == [])
    #expect(loaded.scenario.metadata.name == name && loaded.scenario.topology.ground == .inventory)
    let plan = try makePlan(loaded, tool: "test")
    #expect(plan.faults.count == loaded.scenario.timeline.count && !plan.faults.isEmpty)
    #expect(planText(plan).contains(said))
  }

  /// None of the examples is forgotten above.
  @Test func everyFileIsLookedAt() throws {
    let files = ["hosts-blackout.yaml", "hosts-inside.yaml", "kafka-standing-link-cut.yaml"]
    #expect(try listDirectory("\(Self.docs)/examples").sorted() == files)
  }

  @Test func theScenarioOfThePageIsValid() throws {
    let page = String(decoding: try readFile("\(Self.docs)/hosts.md"), as: UTF8.self)
    let block = try #require(page.split(separator: "```yaml\n").dropFirst().first?.split(separator: "```").first)
    let head = "apiVersion: blackstart/v1\nkind: Scenario\nmetadata: { name: page }\nseed: 1\n"
    let loaded = try parseScenario(Array("\(head)\(block)".utf8), file: "hosts.md")
    #expect(loaded.remarks.map { "\($0)" } == [])
    #expect(try makePlan(loaded, tool: "test").faults.count == 1)
  }
}
