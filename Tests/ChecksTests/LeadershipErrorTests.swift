import Checks
import Testing

/// Planted errors of leadership: each is found, and nothing else.
@Suite struct LeadershipErrorTests {
  @Test(arguments: PlantedErrors.leadership.errors)
  func `a planted error is found, and nothing else`(error: PlantedError) {
    for seed in UInt64(0)..<25 { #expect(error.find(seed) == error.expected, "\(error.name), seed \(seed)") }
  }

  @Test(arguments: PlantedErrors.leadership.errors)
  func `a planted error still shows when cut down to a few events`(error: PlantedError) throws {
    let few = try #require(error.minimise)(3)
    #expect(few.found.isSuperset(of: error.expected))
    #expect(few.left <= 12, "\(error.name): \(few.left) of \(few.events)")
  }

  @Test func `a thousand clean records show nothing`() {
    for seed in UInt64(0)..<1000 { #expect(PlantedErrors.leadership.findInClean(seed) == [], "seed \(seed)") }
  }

  @Test func `every row of leadership has a planted error`() {
    let planted = PlantedErrors.leadership.errors.reduce(into: Set<Anomaly>()) { $0.formUnion($1.expected) }
    #expect(planted == LeadershipChecks.anomalies)
  }
}
