@testable import Checks
import Faults
import Netlink
import Scenarios
import Support
import Testing

@testable import Drill

/// A reviewed plan runs as it stands or not at all.
@Suite struct PlanConfirmationTests {
  private let features = NodeProfile.unknown.features

  private func plan(_ changes: [(String, String)] = []) throws -> Plan {
    try resolvePlan(
      scenario("Tests/Fixtures/quick-blackout.yaml", changes), tool: "t", features: features)
  }

  @Test func thePlanOfThisMachineIsConfirmed() throws {
    let plan = try plan()
    #expect(try plan.confirmed(by: features, at: "p") == plan)
    let seeded = try resolvePlan(
      scenario("Tests/Fixtures/quick-blackout.yaml"), tool: "another", seed: 99, features: features)
    #expect(try seeded.confirmed(by: features, at: "p").seed == 99)
  }

  @Test func anEditedPlanIsRefusedWithWhatDiffers() throws {
    var edited = try plan()
    edited.faults[0].ends = .seconds(20)
    edited.nodes[0].ipv4 = "10.91.9.1"
    let refusal = try #require(try problem { _ = try edited.confirmed(by: features, at: "p.json") })
    #expect(refusal.code == .usage)
    #expect(refusal.what.contains("faults[0].ends: 20s → 14s"))
    #expect(refusal.what.contains("nodes[0].ipv4: 10.91.9.1 → 10.91.1.1"))
    #expect(refusal.what.contains("Nothing was touched."))
  }

  @Test func differencesNameEachPath() throws {
    let one = try plan()
    #expect(try one.differences(to: one) == [])
    let other = try plan([("for: 14s", "for: 15s")])
    let found = try one.differences(to: other)
    #expect(found.contains { $0.path == "faults[0].ends" && $0.first == "14s" && $0.second == "15s" })
    #expect(found.contains { $0.path.hasPrefix("scenario.timeline[0]") })
    var longer = one
    longer.faults.append(one.faults[0])
    let added = try one.differences(to: longer)
    #expect(added.count == 1 && added[0].path == "faults[1]" && added[0].first == nil)
  }

  /// What held while nothing was armed is no pass, and a failure stays one.
  @Test func aDryRunNeverPasses() {
    let verdict = DrillVerdict(
      items: [
        ItemVerdict(item: .noDuplicates, title: "t", verdict: .pass(Coverage("5 events")), measures: []),
        ItemVerdict(item: .orderPerAggregate, title: "t", verdict: .fail(Witness("w", [])), measures: []),
      ], overall: .pass, rows: [], contract: .postgresEtcd, faults: [])
    let dry = verdict.ofDryRun
    #expect(dry.items.map(\.verdict.kind) == [.vacuous, .fail])
    #expect(dry.items[0].verdict.headline == "dry run, nothing was armed; without a fault it held: 5 events")
    #expect(dry.overall == .vacuous && dry.exitCode == .inconclusive)
  }
}
