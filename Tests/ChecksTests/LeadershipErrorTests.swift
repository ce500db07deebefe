import Checks
import Testing

/// Planted errors of leadership: each is found, and nothing else.
@Suite struct LeadershipErrorTests {
  @Test(arguments: PlantedErrors.leadership.errors)
  func `a planted error is found, and nothing else`(error: PlantedError) {
    let wrong = plantedSeeds.map { ($0, error.find($0)) }.filter { $0.1 != error.expected }
    #expect(wrong.isEmpty, "\(wrong.map { "seed \($0): \($1.map(\.rawValue).sorted())" })")
  }

  @Test(arguments: PlantedErrors.leadership.errors)
  func `a planted error still shows when cut down to a few events`(error: PlantedError) {
    guard let minimise = error.minimise else {
      Issue.record("\(error.name) cannot be cut down")
      return
    }
    let few = minimise(3)
    #expect(few.found.isSuperset(of: error.expected), "\(few)")
    #expect(few.left <= 12, "\(error.name): \(few.left) of \(few.events)")
  }

  @Test func `clean records show nothing`() {
    let wrong = cleanSeeds.map { ($0, PlantedErrors.leadership.findInClean($0)) }.filter { !$0.1.isEmpty }
    #expect(wrong.isEmpty, "\(wrong.prefix(5))")
  }

  @Test func `every row of leadership has a planted error`() {
    let planted = PlantedErrors.leadership.errors.reduce(into: Set<Anomaly>()) { $0.formUnion($1.expected) }
    #expect(planted == LeadershipChecks.anomalies)
  }
}
