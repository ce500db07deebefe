import Support
import Testing

/// Other ways to run a drill than from a scenario, once.
@Suite("Run modes", .serialized)
struct RunModeTests {
  private func plan(in directory: String) async throws -> String {
    let text = try variant("for: 14s", "for: 9s")
    try writeFile("\(directory)/s.yaml", Array(text.utf8))
    let plan = try await Blackstart.run(["plan", "--json", "s.yaml"], in: directory)
    try #require(plan.code == 0, "\(plan.errors)")
    return plan.output
  }

  @Test("a plan that was edited is refused before anything is made, and says what differs")
  func editedPlanIsRefused() async throws {
    try await withDirectory("plan") { directory in
      let plan = try await plan(in: directory)
      try writeFile("\(directory)/p.json", Array(plan.replacing("10.91.2.1", with: "10.91.2.9").utf8))
      let run = try await Blackstart.run(["run", "--plan", "p.json", "--run-dir", "r"], in: directory)
      #expect(run.code == 2)
      #expect(run.errors.contains("this machine would not do what was planned"))
      #expect(run.errors.contains("nodes[1].ipv4: 10.91.2.9 → 10.91.2.1"))
      let other = try await Blackstart.run(["run", Blackstart.scenario, "--plan", "p.json"], in: directory)
      #expect(other.code == 2)
      #expect(other.errors.contains("this is not the file that the plan was made of"))
      #expect(!fileExists("\(directory)/r") && !fileExists("\(directory)/runs"))
    }
  }

  @Test("a reviewed plan is run from its file alone, dry: nothing is armed and nothing passes")
  func planRunsDry() async throws {
    try await withDirectory("plan") { directory in
      try writeFile("\(directory)/p.json", Array(try await plan(in: directory).utf8))
      let run = try await Blackstart.run(
        ["run", "--plan", "p.json", "--dry-run", "--run-dir", "r", "--state", "\(directory)/state"], in: directory)
      #expect(run.code == 7, "\(run.errors)")
      #expect(run.output.contains("a dry run: nothing was armed"))
      #expect(!fileExists("\(directory)/r/scenario.yaml"))
      let types = Set(try JournalContents(path: "\(directory)/r/journal.jsonl").records.map(\.type))
      #expect(types.contains("fault.withheld") && !types.contains("fault.arming"))
      let verdict = String(decoding: try readFile("\(directory)/r/verdict.json"), as: UTF8.self)
      #expect(!verdict.contains("\"overall\" : \"pass\""))
      #expect(try await Blackstart.run(["report", "r"], in: directory).code == 7)
      // Not a failure, so there is nothing to make smaller.
      let minimize = try await Blackstart.run(["minimize", "r"], in: directory)
      #expect(minimize.code == 2 && minimize.errors.contains("no item of this run failed"))
    }
  }
}
