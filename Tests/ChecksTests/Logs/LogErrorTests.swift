import Testing

@testable import Checks

@Suite struct LogErrorTests {
  @Test func `clean records give no finding`() {
    for seed in cleanSeeds {
      let history = LogHistory(seed: seed)
      var checks = LogChecks(LogOptions(marksProcessing: true))
      checks.take(history.events)
      checks.finish()
      #expect(checks.drain().map { "\($0.anomaly) \($0.what)" } == [], "seed \(seed)")
      #expect(checks.counts.acknowledged > 5 && checks.counts.polled > 10 && checks.counts.dumped > 5, "seed \(seed)")
    }
  }

  @Test(arguments: PlantedErrors.logs.errors.indices)
  func `a planted error is found, and nothing else`(number: Int) {
    let error = PlantedErrors.logs.errors[number]
    for seed in plantedSeeds {
      #expect(error.find(seed) == error.expected, "\(error.name), seed \(seed)")
    }
  }

  @Test func `every row about logs has a planted error`() {
    let planted = PlantedErrors.logs.errors.reduce(into: Set<Anomaly>()) { $0.formUnion($1.expected) }
    #expect(planted == LogChecks.anomalies)
  }

  @Test func `findings do not depend on how the events are cut into batches`() {
    for seed in UInt64(0)..<20 {
      var history = LogHistory(seed: seed)
      let record = history.anyRead()
      history.drop { $0.isRecord(record) && $0.kind == .polled }
      var whole = LogChecks()
      whole.take(history.events)
      whole.finish()
      var single = LogChecks()
      var found: [Finding] = []
      for event in history.events {
        single.take(event)
        found += single.drain()
      }
      single.finish()
      found += single.drain()
      #expect(whole.drain() == found && !found.isEmpty, "seed \(seed)")
    }
  }

  @Test func `dense and opaque identities give the same findings`() {
    for seed in UInt64(0)..<20 {
      var history = LogHistory(seed: seed)
      let record = history.anyRead()
      history.drop { $0.isRecord(record) && $0.kind == .dumped }
      var dense = LogChecks()
      var opaque = LogChecks(identity: .opaque)
      dense.take(history.events)
      opaque.take(history.events)
      dense.finish()
      opaque.finish()
      #expect(dense.totals == opaque.totals)
      #expect(Set(dense.drain()) == Set(opaque.drain()))
    }
  }
}
