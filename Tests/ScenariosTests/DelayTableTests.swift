import Scenarios
import Support
import Testing

/// Distributions of delays that are read from files beside the scenario.
@Suite struct DelayTableTests {
  private func load(_ table: String, file: String = "drills/drill.yaml") throws(Problems) -> LoadedScenario {
    let text = scenario([
      (
        "fault: partition, region: east, from: all",
        "fault: network, region: east, from: [eu], out: { delay: 50ms, jitter: 5ms, distribution: { table: wan.dist } }"
      )
    ])
    let inputs = ScenarioInputs { path throws(Problem) in
      guard path == "drills/wan.dist" else { throw Problem(.usage, at: path, "does not exist") }
      return Array(table.utf8)
    }
    return try parseScenario(Array(text.utf8), file: file, inputs: inputs)
  }

  private func problem(_ table: String, file: String = "drills/drill.yaml") -> String {
    do throws(Problems) {
      _ = try load(table, file: file)
      return ""
    } catch {
      return error.description
    }
  }

  @Test func aTableIsReadAsSeenFromTheScenarioAndStandsInThePlan() throws {
    let loaded = try load("# measured\n-8192 0\t1\n\n 8191\r\n")
    #expect(loaded.includes.map(\.path) == ["drills/wan.dist"])
    let plan = try makePlan(loaded, tool: "test")
    guard case .network(_, _, let outbound) = plan.faults[0].entry.fault else {
      Issue.record("\(plan.faults[0].entry.fault)")
      return
    }
    #expect(
      outbound.table == DelayTable(file: "wan.dist", values: [-8192, 0, 1, 8191]) && outbound.distribution == nil)
    #expect(plan.faults[0].summary == "from east to eu: 50ms ± 5ms by the table wan.dist later")
    #expect(plan.includes.first?.digest == loaded.includes.first?.digest)
    // The plan holds the values: it runs without the file.
    #expect(try readPlan(encodeJSON(plan), file: "plan.json") == plan)
  }

  @Test(arguments: [
    (
      "1 2\n3 x\n",
      "drills/wan.dist:2:3: error: timeline[0].out.distribution.table: expected a whole number from -32768 to"
        + " 32767 (1/8192 of the jitter), found 'x'"
    ),
    (
      "40000\n",
      "drills/wan.dist:1:1: error: timeline[0].out.distribution.table: expected a whole number from -32768 to"
        + " 32767 (1/8192 of the jitter), found '40000'"
    ),
    (
      "# nothing\n",
      "drills/drill.yaml:30:127: error: timeline[0].out.distribution.table: 'wan.dist' has 0 values; a table"
        + " has 1 to 16384"
    ),
  ]) func whatIsNoTableIsRefusedWithItsPlace(table: String, message: String) {
    #expect(problem(table) == message)
  }

  @Test func aFileThatIsNotThereIsRefusedWhereItIsNamed() {
    #expect(
      problem("1", file: "other/drill.yaml")
        == "other/drill.yaml:30:127: error: timeline[0].out.distribution.table: 'other/wan.dist' does not exist")
  }

  @Test func aTableOfMoreThanTheKernelTakesIsRefused() {
    #expect(problem(String(repeating: "1 ", count: 16_385)).contains("has 16385 values; a table has 1 to 16384"))
  }
}
