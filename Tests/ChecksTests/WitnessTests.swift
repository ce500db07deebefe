import Checks
import Events
import Support
import Testing

/// The smallest evidence behind a failure still fails, as JSON too.
@Suite struct WitnessTests {
  @Test(arguments: Mutation.all)
  func `a witness is small, and is judged as the whole was, after a way through JSON`(mutation: Mutation) throws {
    var evidence = CleanDrill.evidence(seed: 5)
    mutation.apply(&evidence)
    let witnesses = minimalWitnesses(of: evidence, judge(evidence), limit: 150)
    let witness = try #require(witnesses.first { $0.item == mutation.item })
    #expect(mutation.anomalies.contains(witness.finding.anomaly))
    #expect(witness.left * 20 < witness.reducedFrom, "\(witness.left) of \(witness.reducedFrom)")
    #expect(witness.holds)
    let read = try decodeJSON(WitnessFile.self, from: encodeJSON(witness))
    #expect(read.defect == nil)
    #expect(read.holds)
    #expect(try encodeJSON(read.judged()) == encodeJSON(witness.judged()))
  }

  @Test func `a witness from which the violation was taken does not hold`() throws {
    var evidence = CleanDrill.evidence()
    Mutation.duplicates[0].apply(&evidence)
    var witness = try #require(minimalWitnesses(of: evidence, judge(evidence)).first)
    witness.evidence.truth.logs = witness.evidence.truth.logs.mapValues { Array($0.prefix(1)) }
    #expect(!witness.holds)
  }

  @Test func `delta debugging leaves exactly what is needed`() {
    let few = minimise(Array(0..<1000)) { $0.contains(3) && $0.contains(77) && $0.contains(999) }
    #expect(few == [3, 77, 999])
    #expect(minimise(Array(0..<10)) { _ in false } == Array(0..<10))
    #expect(minimise([1, 2, 3]) { _ in true } == [])
    var asked = 0
    let limited = minimise(Array(0..<1000), limit: 7) {
      asked += 1
      return $0.contains(500)
    }
    #expect(asked <= 7)
    #expect(limited.contains(500))
  }

  @Test func `a witness of a foreign hand is refused with a reason`() throws {
    var evidence = CleanDrill.evidence()
    Mutation.duplicates[0].apply(&evidence)
    var witness = try #require(minimalWitnesses(of: evidence, judge(evidence)).first)
    witness.format = 9
    #expect(witness.defect == "it has format 9; this version reads 1")
  }

  @Test func `every planted error is found by the self-test, and a checker that finds nothing is caught`() throws {
    let honest = SelfTest(seeds: 0..<1, clean: 0..<2)
    #expect(honest.isPerfect, "\(honest.sentence)")
    let blind = PlantedErrors(
      family: "blind", findInClean: { _ in [.lostWrite] },
      errors: [PlantedError("lose a write", expected: [.tailLoss]) { _ in [] }])
    let test = SelfTest([blind], seeds: 0..<3, clean: 0..<4)
    #expect(!test.isPerfect)
    #expect(test.sentence == "0 of 3 planted errors found exactly (0.0 %), 4 of 4 clean records raised an alarm")
    #expect(test.families[0].errors[0].miss?.seed == 0)
    #expect(test.families[0].errors[0].miss?.found.isEmpty == true)
  }

  @Test(arguments: PlantedErrors.all.map(\.family))
  func `a planted error that is a list can be cut down and is still found`(family: String) throws {
    for error in PlantedErrors.all.first(where: { $0.family == family })?.errors ?? [] {
      guard let small = error.minimise?(3) else { continue }
      #expect(small.found.isSuperset(of: error.expected), "\(error.name)")
      #expect(small.left <= small.events)
    }
  }
}
