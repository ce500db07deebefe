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

  /// From where a probe is asked, told with what to write instead.
  @Test(arguments: [
    (
      "region: eu, tcp: { host: a, port: 80 }",
      """
      external.yaml:13:18: error: probes.api.region: nobody of ours is in a region of hosts: a probe is asked from the drill's own machine, or from a host
        fix: host: b, or leave it out
      """
    ),
    (
      "host: bb, tcp: { host: aa, port: 80 }",
      """
      external.yaml:13:16: error: probes.api.host: there is no host 'bb'
        fix: did you mean 'b'? hosts: a, b
      external.yaml:13:33: error: probes.api.tcp.host: 'aa' is neither a host nor an address, and names are not looked up
        fix: did you mean 'a'? hosts: a, b
      """
    ),
    (
      "region: eu, host: b, tcp: { host: a, port: 80 }",
      """
      external.yaml:13:8: error: probes.api: region and host both say where it is asked from
        fix: keep one of them
      """
    ),
    (
      "host: b, command: { argv: [curl, 'http://10.0.0.1/'] }",
      """
      external.yaml:13:16: error: probes.api.host: an agent runs no programs of others on its host, where it is root: from hosts http, tcp and prometheus are asked, not command
        fix: leave it out, and go there by the command itself: argv: [ssh, b, …]
      """
    ),
    (
      "host: c, sql: { store: east, query: select 1 }",
      """
      external.yaml:13:16: error: probes.api.host: a store is asked by a client of the drill's, and hosts have none: from hosts http, tcp and prometheus are asked, not sql
        fix: leave it out
      external.yaml:13:16: error: probes.api.host: there is no host 'c'
        fix: did you mean 'a'? hosts: a, b
      external.yaml:13:24: error: probes.api.sql: where an external system has its stores is not known here
        fix: ask through a command, such as psql
      """
    ),
    ("host: b, tcp: { host: 10.0.0.1, port: 80 }", ""), ("host: b, tcp: { host: 'fd00::1', port: 80 }", ""),
    ("host: b, http: { url: 'http://10.0.0.1/' }", ""),
    ("host: b, prometheus: { url: 'http://10.0.0.1', query: up }", ""),
  ])
  func aProbeIsAskedFromAHostOrNot(_ probe: String, _ messages: String) throws {
    #expect(try mistakes("tcp: { host: a, port: 80 }", probe).joined(separator: "\n") == messages)
  }

  /// A person and a program read in the plan from where each probe is asked.
  @Test func thePlanSaysFromWhereProbesAreAsked() throws {
    let text = Self.good.replacing(
      "probes:\n",
      with: """
        probes:
          near: { host: b, http: { url: 'http://10.0.0.1/' }, every: 500ms }
          rate: { host: a, prometheus: { url: 'http://10.0.0.3:9090', query: up } }

        """)
    let plan = try makePlan(try parseScenario(Array(text.utf8), file: "external.yaml"), tool: "test")
    let page = planText(plan)
    #expect(page.contains("near   from host b                every 500ms, within 1s   GET http://10.0.0.1/"), "\(page)")
    #expect(page.contains("rate   from host a                every 1s, within 1s      asks http://10.0.0.3:9090: up"))
    #expect(page.contains("api    from the drill's machine   every 1s, within 1s      connects to a port 80"))
    #expect(plan.scenario.probes.map(\.host) == ["b", "a", nil])
    #expect(String(decoding: try encodeJSON(plan), as: UTF8.self).contains(#""host":"b","name":"near""#))
    #expect(try readPlan(encodeJSON(plan), file: "plan.json") == plan)
  }

  /// What no fault can meet on its way is remarked where it is all that is asked, and nowhere else.
  @Test func probesThatFeelNothingThemselvesAreRemarked() throws {
    func remarks(_ changes: [(String, String)]) throws -> [String] {
      let text = changes.reduce(Self.good) { $0.replacing($1.0, with: $1.1) }
      return try parseScenario(Array(text.utf8), file: "external.yaml").remarks.map { "\($0)" }
    }
    #expect(
      try remarks([]) == [
        """
        external.yaml:13:3: note: probes: all of them are asked from the drill's own machine: where that has an address of topology.inventory.controllers, no fault of the network meets them, and they see only what the system makes of it
          fix: ask one from a host that is to lose something: host: a
        """
      ])
    #expect(try remarks([("tcp: { host: a, port: 80 }", "host: b, tcp: { host: a, port: 80 }")]) == [])
    #expect(try remarks([("tcp: { host: a, port: 80 }", "command: { argv: [ssh, b, 'true'] }")]) == [])
    #expect(try remarks([("    controllers: [10.0.0.9]\n", "")]) == [])
    #expect(
      try remarks([
        ("fault: partition, region: east, from: all", "fault: process, region: east, name: java, action: pause")
      ]) == [])
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
