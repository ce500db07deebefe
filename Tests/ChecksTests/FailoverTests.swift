import Checks
import Testing

@Suite struct FailoverTests {
  @Test func `a clean failover gives no finding, whatever the seed`() {
    for seed in UInt64(0)..<200 {
      let found = PlantedErrors.failover.findInClean(seed)
      #expect(found.isEmpty, "seed \(seed): \(found.map(\.rawValue))")
    }
  }

  @Test func `a planted error is found, and nothing else`() {
    for error in PlantedErrors.failover.errors {
      for seed in plantedSeeds {
        let found = error.find(seed)
        #expect(found == error.expected, "\(error.name), seed \(seed): \(found.map(\.rawValue))")
      }
    }
  }

  @Test func `every row of a failover has a planted error`() {
    let rows = Set(Anomaly.allCases.filter { $0.rawValue.hasPrefix("D") })
    #expect(PlantedErrors.failover.errors.reduce(into: Set()) { $0.formUnion($1.expected) } == rows)
  }
}
