import Scenarios
import Support
import Testing

/// Other tools' files, as scenarios.
@Suite struct ImportTests {
  /// The remarks and the scenario, or the refusals, word for word.
  @Test(arguments: ImportFixture.all) func aFileIsImportedAsItsGoldenTextSays(fixture: ImportFixture) throws {
    let outcome = try fixture.outcome()
    if recording { write(outcome, to: fixture.goldenPathname) }
    #expect(outcome == String(decoding: contents(of: fixture.goldenPathname), as: UTF8.self))
    #expect(fixture.name.hasPrefix("refused") == outcome.contains(": error: "))
  }

  /// `validate` accepts what the import wrote, and says nothing of it but what is doubtful of itself.
  @Test(arguments: ImportFixture.all.filter { !$0.name.hasPrefix("refused") })
  func whatIsImportedIsAValidScenario(fixture: ImportFixture) throws {
    let made = try fixture.tool.make(
      fixture.bytes, file: fixture.name, map: try ImportFixture.map(), options: ImportOptions())
    let loaded = try parseScenario(Array(made.text.utf8), file: "made.yaml")
    #expect(!loaded.scenario.timeline.isEmpty)
    #expect(loaded.scenario.metadata.tags.contains("imported"))
  }

  @Test(arguments: ImportFixture.all) func theSameFileGivesTheSameBytes(fixture: ImportFixture) throws {
    #expect(try fixture.outcome() == fixture.outcome())
  }

  /// With --partial the same things are said, and what is left can be run.
  @Test func whatCannotBeExpressedIsLeftOutWhenAsked() throws {
    let fixture = ImportFixture(tool: .chaosMesh, name: "refused-machines.yaml")
    let good = ImportFixture(tool: .chaosMesh, name: "same-line.json")
    let bytes = fixture.bytes + Array("---\n".utf8) + good.bytes
    let made = try importChaosMesh(
      bytes, file: "mixed.yaml", map: try ImportFixture.map(), options: ImportOptions(isPartial: true))
    #expect(made.remarks.contains { $0.what.hasPrefix("left out: the action network-flood cannot be expressed") })
    #expect(made.text.contains("left out: the action network-flood"))
    #expect(try parseScenario(Array(made.text.utf8), file: "made.yaml").scenario.timeline.map(\.id) == ["from-json"])
    #expect(throws: Problems.self) { try importChaosMesh(bytes, file: "mixed.yaml", map: try ImportFixture.map()) }
  }

  @Test func withoutAMapNothingIsGuessed() {
    let fixture = ImportFixture(tool: .chaosMesh, name: "delay.yaml")
    let message = problem { _ = try importChaosMesh(fixture.bytes, file: "delay.yaml") }
    #expect(
      message == """
        delay.yaml:12:5: error: spec.selector: nothing says which region app=broker, namespace prod is in
          fix: give a mapping file with --map, and in it a selector that matches it: see blackstart import --help
        delay.yaml:18:15: error: spec.target.selector: nothing says which region app=mirror is in
          fix: give a mapping file with --map, and in it a selector that matches it: see blackstart import --help
        """)
  }

  @Test(arguments: [
    ("kind: ImportMap\n", "map.yaml:1:1: error: the key 'apiVersion' is missing"),
    (
      "apiVersion: blackstart/v1\nkind: ImportMap\nselectors:\n  - { match: {}, regions: [East] }\n",
      "map.yaml:4:28: error: selectors[0].regions[0]: expected a name (lower-case letters, digits and inner hyphens, at most 12), found 'East'"
    ),
    (
      "apiVersion: blackstart/v1\nkind: ImportMap\nhosts: [{ host: a, region: [b] }]\n",
      """
      map.yaml:3:9: error: hosts[0]: the key 'regions' is missing
      map.yaml:3:20: error: hosts[0]: unknown key 'region'
        fix: did you mean 'regions'? keys here: host, regions, ports, processes, processors, memory
      """
    ),
    (
      "apiVersion: blackstart/v1\nkind: ImportMap\nhosts: [{ host: a, regions: [] }]\n",
      "map.yaml:3:29: error: hosts[0].regions: expected one or more regions, each once"
    ),
  ]) func aWrongMappingFileIsRefused(text: String, message: String) {
    #expect(problem { _ = try parseImportMap(Array(text.utf8), file: "map.yaml") } == message)
  }

  /// Sections of the mapping file stand in the scenario as they are, and their mistakes are the map's.
  @Test func theMapGivesSectionsOfTheScenario() throws {
    let fixture = ImportFixture(tool: .chaosMesh, name: "same-line.json")
    let rules = String(decoding: contents(of: goldenPath("Import/map.yaml")), as: UTF8.self)
    let good = try parseImportMap(
      Array((rules + "scenario:\n  seed: 99\n  recovery: { within: \"2m\" }\n").utf8), file: "map.yaml")
    let made = try importChaosMesh(fixture.bytes, file: "f.json", map: good)
    let scenario = try parseScenario(Array(made.text.utf8), file: "made.yaml").scenario
    #expect(scenario.seed == 99)
    #expect(scenario.recovery.within == .seconds(120))

    let bad = try parseImportMap(Array((rules + "scenario:\n  recovery: { within: soon }\n").utf8), file: "map.yaml")
    #expect(
      problem { _ = try importChaosMesh(fixture.bytes, file: "f.json", map: bad) }?.hasPrefix(
        "map.yaml:\(rules.count { $0 == "\n" } + 2):13: error: as a scenario it is refused: recovery.within: expected a duration"
      ) == true)
  }
}
