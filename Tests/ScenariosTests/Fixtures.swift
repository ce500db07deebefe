import Scenarios
import Support
import Testing

/// A small correct scenario; tests break it in one place.
let goodScenario = """
  apiVersion: blackstart/v1
  kind: Scenario
  metadata: { name: drill, description: A drill., owners: [team], tags: [t], domain: [59] }
  seed: 7
  topology:
    lab:
      regions:
        east: { roles: [store, control, quorum] }
        eu: { roles: [store, control, quorum] }
        ap: { roles: [control, quorum] }
  ownership:
    orders: { normal: east, failover: eu }
  stack:
    kind: postgres-etcd
    lease: { ttl: 10s }
    mirror: { freshness: 2s }
  workload:
    producers:
      - { name: p1, region: east, workers: 2, rate: 60/s, keys: 40 }
    consumers:
      - { name: c1, region: eu, store: eu }
    oldLeader: { region: east, rate: 5/s }
  steadyState:
    for: 5s
    expect:
      - { metric: write-error-rate, max: 1% }
      - { metric: mirror-lag, max: 2s }
      - { metric: leader, is: east }
  timeline:
    - { id: blackout, at: 0s, fault: partition, region: east, from: all, for: 40s }
  recovery: { within: 60s }
  checklist:
    - { item: mirror-lag-zero, within: 60s }
    - { item: no-duplicates }
    - { item: no-acknowledged-loss, rpo: 60s }
    - { item: stale-token-rejected }
    - { item: election-within-ttl, margin: 2s }
    - { item: order-per-aggregate }
    - { item: consumer-progress }
  abort:
    - { metric: write-error-rate, max: 95%, for: 60s }
  safety: { maxDuration: 5m, blastRadius: { regions: 1 } }

  """

/// The good scenario with each `old` replaced by its `new`; `old` must stand in it exactly once.
func scenario(_ changes: [(old: String, new: String)]) -> String {
  var text = goodScenario
  for (old, new) in changes {
    let parts = text.split(separator: old, omittingEmptySubsequences: false)
    precondition(parts.count == 2, "'\(old)' stands \(parts.count - 1) times, not once")
    text = parts.joined(separator: new)
  }
  return text
}

/// What a person sees: every error, or every remark of a scenario that can be run.
func messages(_ text: String) -> String {
  do {
    return try parseScenario(Array(text.utf8), file: "drill.yaml").remarks.map(\.description).joined(separator: "\n")
  } catch {
    return error.description
  }
}

/// The good scenario as a value.
func goodModel() throws -> LoadedScenario { try parseScenario(Array(goodScenario.utf8), file: "drill.yaml") }

/// The text of the error that `body` throws, `nil` when it throws none.
func problem(_ body: () throws -> Void) -> String? {
  do {
    try body()
    return nil
  } catch {
    return "\(error)"
  }
}
