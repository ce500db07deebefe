import Scenarios
import Support
import TestSupport
import Testing

@testable import Drill

/// The files that a scenario was read from are kept with its run: it can be read again, and made smaller, from there alone.
@Suite struct RunSourcesTests {
  private let table = Array("# netem's form\n-8192 0 8192\n".utf8)

  /// A scenario that names a table beside it and takes its topology from a file above it.
  private func write(below path: String) throws -> String {
    let text = String(decoding: try readFile("\(packageRoot)/scenarios/degraded-link.yaml"), as: UTF8.self)
    let cut = try #require(text.firstRange(of: "topology:\n"))
    let end = try #require(text.firstRange(of: "ownership:\n"))
    let own = text.replacing(text[cut.lowerBound..<end.lowerBound], with: "include: [../shared.yaml]\n\n")
      .replacing("jitter: 50ms", with: "jitter: 50ms, distribution: { table: wan.dist }")
    try makeDirectory("\(path)/drills")
    try writeFile("\(path)/shared.yaml", Array(text[cut.lowerBound..<end.lowerBound].utf8))
    try writeFile("\(path)/drills/wan.dist", table)
    try writeFile("\(path)/drills/link.yaml", Array(own.utf8))
    return "\(path)/drills/link.yaml"
  }

  @Test func aScenarioIsReadAgainFromItsRunAlone() async throws {
    try await withRunDirectory { directory in
      let lair = "\(directory.path)-files"
      let loaded = try loadScenario(at: write(below: lair))
      #expect(loaded.sources.others.keys.sorted() == ["\(lair)/drills/wan.dist", "\(lair)/shared.yaml"])
      try directory.keep(loaded.sources)
      try removeTree(lair)
      let kept = try #require(try directory.sources())
      #expect(kept == loaded.sources)
      let again = try parseScenario(kept.bytes, file: kept.file, inputs: kept.inputs())
      #expect(again.scenario == loaded.scenario && again.includes == loaded.includes)
      #expect(throws: Problems.self, "without them it cannot be read") {
        try parseScenario(kept.bytes, file: kept.file)
      }
    }
  }

  @Test func aCopyThatWasChangedIsRefused() async throws {
    try await withRunDirectory { directory in
      let lair = "\(directory.path)-files"
      try directory.keep(loadScenario(at: write(below: lair)).sources)
      try writeFile("\(directory.inputs)/\(sha256(table))", Array("1 2 3\n".utf8))
      let refusal = try problem { _ = try directory.sources() }
      #expect(refusal?.what == "this copy of '\(lair)/drills/wan.dist' was changed after the run")
    }
  }

  @Test func ofAPlanAloneThereAreNone() async throws {
    try await withRunDirectory { directory in
      let sources = try directory.sources()
      #expect(sources == nil)
    }
  }

  /// `run --plan FILE SCENARIO`: what lies there must be what the plan was made of.
  @Test func aFileThatIsAnotherThanThePlanWasMadeOfIsRefused() async throws {
    try await withRunDirectory { directory in
      let lair = "\(directory.path)-files"
      let file = try write(below: lair)
      let loaded = try loadScenario(at: file)
      let plan = try makePlan(loaded, tool: "test", seed: nil)
      #expect(try ScenarioSources(of: plan, at: file) == loaded.sources)
      try writeFile("\(lair)/drills/wan.dist", Array("1 2 3\n".utf8))
      let refusal = try problem { _ = try ScenarioSources(of: plan, at: file) }
      #expect(refusal?.what == "this is not the file that the plan was made of; nothing was touched")
      #expect(refusal?.code == .usage)
    }
  }
}
