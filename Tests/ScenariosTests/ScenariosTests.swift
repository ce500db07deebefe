import Scenarios
import Support
import Testing

@Test func theLibraryScenariosAreAccepted() throws {
  let root = #filePath.split(separator: "/").dropLast(3).map { "/\($0)" }.joined()
  let loaded = try loadScenario(at: "\(root)/scenarios/region-blackout.yaml")
  print(loaded.remarks)
  #expect(!loaded.remarks.contains { $0.severity != .note })
}
@Test(arguments: [
  (("metadata: { name: drill,", "metadata: { nmae: drill,")),
]) func x(_ c: (String, String)) {
  print(messages(scenario(c)))
}
