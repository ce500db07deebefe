import Scenarios
import Support
import Testing

/// Systems that stand on hosts and that nobody of ours drives.
@Suite struct ExternalStackTests {
  private static let good = """
    apiVersion: blackstart/v1
    kind: Scenario
    metadata: { name: hosts-cut }
    seed: 7
    topology:
      inventory:
        controllers: [10.0.0.9]
        hosts:
          a: { region: east, roles: [], addresses: [10.0.0.1], agent: [ssh, a, blackstart, agent] }
          b: { region: eu, roles: [], addresses: [10.0.0.2], agent: [ssh, b, blackstart, agent] }
    stack: { kind: external }
    probes:
      api: { tcp: { host: a, port: 80 }, every: 1s, timeout: 1s }
    steadyState: { for: 5s, expect: [{ probe: api }] }
    timeline:
      - { id: cut, at: 0s, for: 20s, fault: partition, region: east, from: all }
    recovery: { within: 30s }
    checklist: [{ item: steady-state-recovered }]
    safety: { maxDuration: 5m, blastRadius: { regions: 2 } }

    """

  private func mistakes(_ old: String, _ new: String) throws -> [String] {
    #expect(Self.good.contains(old))
    do throws(Problems) {
      _ = try parseScenario(Array(Self.good.replacing(old, with: new).utf8), file: "external.yaml")
      return []
    } catch { return error.items.map { "\($0)" } }
  }

  @Test func itNeedsNeitherOwnersNorALoad() throws {
    let loaded = try parseScenario(Array(Self.good.utf8), file: "external.yaml")
    #expect(loaded.scenario.stack.kind == .external && loaded.scenario.ownership.isEmpty)
    #expect(!loaded.scenario.expectsFailover)
    let plan = try makePlan(loaded, tool: "test")
    #expect(planText(plan).contains("external: a system that stands there, asked by probes alone"))
    #expect(try #require(plan.evidence.first).level == "all of it again within 30s of heal, to the end")
    #expect(try readPlan(encodeJSON(plan), file: "plan.json") == plan)
  }

  /// What needs our own workload, or a hand on the system, is refused with what to do instead.
  @Test(arguments: [
    ("{ item: steady-state-recovered }", "{ item: no-duplicates }", "steady-state-recovered"),
    ("[{ probe: api }]", "[{ metric: write-rate, min: 1/s }]", "measured by our own workload"),
    (
      "stack: { kind: external }",
      "stack: { kind: external }\nworkload: { producers: [{ name: p, region: east, rate: 5/s, keys: 1 }] }",
      "nobody of ours writes"
    ),
    (
      "recovery:", "runbook: { steps: [{ id: go, timeout: 10s, do: { promote: { region: eu } } }] }\nrecovery:",
      "no hand on an external system"
    ),
    ("every: 1s", "region: eu, every: 1s", "the drill's own machine"),
    ("tcp: { host: a, port: 80 }", "sql: { store: east, query: select 1 }", "through a command"),
    (
      "fault: partition, region: east, from: all", "fault: process, region: east, role: store, action: kill",
      "unit, cgroup, name or port"
    ),
    (
      "fault: partition, region: east, from: all",
      "fault: process, region: east, name: java, action: kill, restart: { after: 3s }", "not ours to start"
    ),
  ])
  func whatItCannotHaveIsRefused(_ old: String, _ new: String, _ why: String) throws {
    let found = try mistakes(old, new)
    #expect(found.contains { $0.contains(why) }, "\(found)")
  }

  @Test func itStandsOnHostsOnly() throws {
    let lab = """
      topology:
        lab:
          regions:
            east: { roles: [store] }
            eu: { roles: [store] }
      """
    let begin = try #require(Self.good.firstRange(of: "topology:")).lowerBound
    let end = try #require(Self.good.firstRange(of: "stack:")).lowerBound
    let inventory = Self.good[begin..<end]
    let found = try mistakes(String(inventory), lab + "\n")
    #expect(found.contains { $0.contains("topology.inventory") }, "\(found)")
  }

  @Test func processesOfHostsAreChosenByWhatTheyAre() throws {
    for choice in ["unit: etcd.service", "cgroup: /kafka.slice", "name: java", "port: 5432"] {
      let found = try mistakes(
        "fault: partition, region: east, from: all", "fault: process, region: east, \(choice), action: pause")
      #expect(found == [])
    }
  }
}
