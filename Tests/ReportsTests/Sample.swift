import Reports
import Support

/// A region blackout as it may go, made from a seed: a picture of a run for tests of the reports, with no drill behind it.
func sampleRun(seed: UInt64 = 1) -> RunSummary {
  var random = SeededRandom(seed: seed)
  var run = RunSummary(
    scenario: "region-blackout",
    purpose: "East is cut off from every other region; eu takes over and east comes back fenced.",
    runID: "2026-11-20T08-12-03Z-region-blackout-7f3a", directory: "runs/2026-11-20T08-12-03Z-region-blackout-7f3a",
    startedAt: 1_795_162_323_250_000_000, seconds: 70.4, seed: 20_261_120,
    command: "blackstart run scenarios/region-blackout.yaml --seed 20261120", overall: .pass, exitCode: 0)
  run.versions = [Fact("blackstart", "0.1.0 (a1b2c3d4e5f6)"), Fact("etcd", "3.4.23"), Fact("PostgreSQL", "15.14")]
  run.host = [Fact("kernel", "Linux 6.12.0 x86_64"), Fact("cores", "2"), Fact("memory", "7.7 GiB")]
  run.phases = [
    Span("preflight", 0, 4.6), Span("baseline", 4.6, 11.9), Span("timeline", 11.9, 51.9), Span("heal", 51.9, 52.1),
    Span("recovery", 52.1, 64.2), Span("quiescence", 64.2, 67.1), Span("verdict", 67.1, 70.4),
  ]
  run.faults = [
    FaultSummary(
      id: "blackout", what: "cuts east off from eu and ap, both ways", start: 11.93, end: 51.98, packetsDropped: 18_203)
  ]
  run.items = sampleItems
  run.recoveryTime = RecoveryTimeSummary(
    seconds: 14.31, meaning: "first acknowledged write under the new token",
    stages: [
      Span("detection", 11.93, 13.1), Span("election", 13.1, 24.9), Span("seal of the new store", 24.9, 25.21),
      Span("first acknowledged write", 25.21, 26.24), Span("producers outside east back", 26.24, 26.9),
    ])
  run.recoveryPoint = RecoveryPointSummary(
    count: 37, lost: 0, seconds: 1.82,
    events: (0..<12).map {
      .init(
        id: "p1-\(410 + $0)", acknowledged: 10.2 + Double($0) * 0.15, disposition: "arrived 27.4 s after promotion",
        isLost: false)
    })
  run.writes = [("east", 60), ("eu", 30), ("ap", 20)].map { region, rate in
    writes(of: region, rate: rate, &random)
  }
  run.lagLimitSeconds = 2
  run.lag = [
    LagSeries(name: "east → eu", samples: lag(cutUntil: 52.4, &random)),
    LagSeries(name: "eu → east", samples: lag(cutUntil: 53.1, &random)),
  ]
  run.reigns = [
    Reign(holder: "east", token: 41, start: 3.9, end: 21.2), Reign(holder: "eu", token: 57, start: 24.9, end: nil),
  ]
  run.events = [
    RunEvent(11.93, "cut in force, proven on every node"), RunEvent(13.1, "eu's control plane misses the leader"),
    RunEvent(21.2, "east's control plane gives up, store read-only"), RunEvent(24.9, "eu elected, token 57"),
    RunEvent(25.21, "eu's store sealed with token 57"), RunEvent(26.24, "first write acknowledged under token 57"),
    RunEvent(51.98, "cut gone, snapshots equal on every node"), RunEvent(53.3, "both mirrors caught up"),
  ]
  run.evidence = [
    EvidenceFile(
      name: "scenario.yaml", what: "the scenario as given", bytes: 3804, digest: String(repeating: "3f", count: 32)),
    EvidenceFile(name: "plan.json", what: "what was planned", bytes: 9120, digest: String(repeating: "a1", count: 32)),
    EvidenceFile(name: "journal.jsonl", what: "what was done and seen, hash-chained", bytes: 51_233),
    EvidenceFile(name: "history.bsh", what: "every operation of the workload", bytes: 88_412),
    EvidenceFile(name: "ground-truth/east-log.jsonl", what: "the log of the store in east", bytes: 1_204_551),
  ]
  return run
}

/// The same run with every kind of verdict, and with texts that try to break out of the report.
func sampleFailure() -> RunSummary {
  var run = sampleRun()
  run.overall = .fail
  run.exitCode = 1
  run.items[2].verdict = .fail
  run.items[2].headline = "3 acknowledged events never reached eu: p1-410, p1-411, p1-412"
  run.items[2].details = ["acknowledged between 10.2 s and 10.5 s, before the cut", "eu was sealed at position 1,204"]
  run.items[2].witness =
    #"{"events":["p1-410","p1-411","p1-412"],"store":"eu","sealedAt":1204,"note":"<script>alert(1)</script>"}"#
  run.items[3].verdict = .inconclusive
  run.items[3].headline = "nobody tried a stale token on eu after heal"
  run.items[5].verdict = .vacuous
  run.items[5].headline = "no aggregate was written on both sides of the switch"
  run.recoveryPoint?.lost = 3
  run.recoveryPoint?.events[0].isLost = true
  run.recoveryPoint?.events[0].disposition = "LOST"
  run.killRate = "finds 5 of 5 planted faults of the stack"
  return run
}

private let sampleItems: [ItemSummary] = [
  ItemSummary(
    id: "mirror-lag-zero", title: "Mirrors catch up by themselves", verdict: .pass,
    headline: "both mirrors caught up 1.3 s after heal, 3,412 events by identity",
    details: ["east → eu: 37 events behind at heal, 0 after 0.4 s", "eu → east: 2,110 events behind, 0 after 1.3 s"],
    level: "within 5m"),
  ItemSummary(
    id: "no-duplicates", title: "No event twice", verdict: .pass,
    headline: "5,210 events in two logs and two projections, each once"),
  ItemSummary(
    id: "no-acknowledged-loss", title: "Nothing acknowledged is lost", verdict: .pass,
    headline: "5,184 acknowledged, 0 lost; 37 missing at promotion arrived later",
    details: [
      "14 unknown writes resolved from the dumps: 9 took effect, 5 did not", "loss rate at most 0.06 % at 95 %",
    ],
    level: "rpo 1m"),
  ItemSummary(
    id: "stale-token-rejected", title: "Old tokens are refused", verdict: .pass,
    headline: "all 312 attempts with token 41 refused, on both stores, before and after heal"),
  ItemSummary(
    id: "election-within-ttl", title: "A survivor leads in time", verdict: .pass,
    headline: "first write under token 57 after 14.3 s of at most 22 s; etcd's leader was in east", level: "ttl + 2s"),
  ItemSummary(
    id: "order-per-aggregate", title: "Each aggregate in order", verdict: .pass,
    headline: "80 aggregates in order, 38 of them written on both sides of the switch"),
  ItemSummary(
    id: "consumer-progress", title: "Consumers skip and repeat nothing", verdict: .pass,
    headline: "2 projections at the end of their logs; 118 re-deliveries refused"),
]

private func writes(of region: String, rate: Int, _ random: inout SeededRandom) -> WriteSeries {
  var series = WriteSeries(region: region, acknowledged: [], unknown: [], failed: [])
  for second in 0..<67 {
    let load = second < 5 || second >= 64 ? 0 : rate + Int.random(in: -2...2, using: &random)
    let isCut = region == "east" ? (22..<53).contains(second) : (12..<26).contains(second)
    let unknown = isCut ? (second % 5 == 2 ? rate / 8 : 0) : 0
    let failed = isCut ? rate / 3 : 0
    series.acknowledged.append(isCut ? 0 : load)
    series.unknown.append(unknown)
    series.failed.append(failed)
  }
  return series
}

private func lag(cutUntil end: Double, _ random: inout SeededRandom) -> [LagSeries.Sample] {
  stride(from: 5.0, to: 66, by: 0.5).map { at in
    if (30..<31.5).contains(at) { return LagSeries.Sample(at, nil) }
    let noise = Double.random(in: 0.02...0.12, using: &random)
    return LagSeries.Sample(at, at > 12 && at < end ? at - 12 : noise)
  }
}

/// A run that ended before anything was injected.
func emptyRun() -> RunSummary {
  var run = RunSummary(
    scenario: "region-blackout", purpose: "", runID: "empty", directory: "runs/empty", startedAt: 0, seconds: 0,
    seed: 1,
    command: "blackstart run x.yaml", overall: nil, exitCode: 3)
  run.ending = "the steady state did not hold: mirror-lag ≤ 2s was 4.1 s"
  return run
}

/// A run whose figures are as odd as figures can be.
func brokenRun() -> RunSummary {
  var run = sampleRun()
  run.runID = "broken"
  run.seconds = .nan
  run.phases = [Span("timeline", 5, 4), Span("", 0, 0)]
  run.faults[0].start = 900
  run.recoveryTime = RecoveryTimeSummary(seconds: nil, meaning: "first write", stages: [Span("detection", 3, 3)])
  run.writes = [WriteSeries(region: "east", acknowledged: [0, 0], unknown: [], failed: [0])]
  run.lag = [LagSeries(name: "east → eu", samples: [.init(-5, 0), .init(1, .infinity), .init(2, nil), .init(3, 1e9)])]
  run.reigns = [Reign(holder: "east", token: -1, start: 4, end: 2)]
  run.events = (0..<60).map { RunEvent(Double($0) / 100, "event \($0)") }
  return run
}
