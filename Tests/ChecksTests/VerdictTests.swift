import Checks
import Events
import Support
import Testing

@Suite struct VerdictTests {
  /// The merge table: the heavier of two verdicts, in either order.
  @Test(arguments: [
    (Verdict.Kind.pass, Verdict.Kind.pass, Verdict.Kind.pass),
    (.pass, .vacuous, .vacuous), (.pass, .inconclusive, .inconclusive), (.pass, .fail, .fail),
    (.vacuous, .vacuous, .vacuous), (.vacuous, .inconclusive, .inconclusive), (.vacuous, .fail, .fail),
    (.inconclusive, .inconclusive, .inconclusive), (.inconclusive, .fail, .fail), (.fail, .fail, .fail),
  ])
  func `fail outweighs inconclusive outweighs vacuous outweighs pass`(
    left: Verdict.Kind, right: Verdict.Kind, whole: Verdict.Kind
  ) {
    #expect(Verdict.Kind.merged([left, right]) == whole)
    #expect(Verdict.Kind.merged([right, left]) == whole)
  }

  @Test func `a checklist without items has shown nothing`() {
    #expect(Verdict.Kind.merged([]) == .vacuous)
    #expect(judge(CleanDrill.evidence(), checklist: []).exitCode == .inconclusive)
  }

  @Test func `verdicts keep their shape as JSON`() throws {
    let verdicts: [(Verdict, String)] = [
      (
        .pass(Coverage("all of it", counts: [Count("events", 3)], notes: ["n"])),
        #"{"coverage":{"counts":[{"name":"events","value":3}],"notes":["n"],"sentence":"all of it"},"kind":"pass"}"#
      ),
      (
        .fail(
          Witness(
            "one twice",
            [
              Finding(
                "L3", "p1-2 twice", events: [EventID(producer: 1, sequence: 2)], store: "eu", tokens: [7],
                positions: [1, 4], times: [9])
            ])),
        #"{"kind":"fail","witness":{"findings":[{"anomaly":"L3","events":["p1-2"],"positions":[1,4],"store":"eu","#
          + #""times":[9],"tokens":[7],"what":"p1-2 twice"}],"sentence":"one twice","total":1}}"#
      ),
      (
        .inconclusive(Missing(["a", "b"])),
        #"{"kind":"inconclusive","missing":{"items":["a","b"],"sentence":"cannot be told: a; b"}}"#
      ),
      (.vacuous(Vacuity("nothing")), #"{"kind":"vacuous","vacuity":{"sentence":"nothing"}}"#),
    ]
    for (verdict, text) in verdicts {
      let bytes = try encodeJSON(verdict)
      #expect(String(decoding: bytes, as: UTF8.self) == text)
      #expect(try decodeJSON(Verdict.self, from: bytes) == verdict)
    }
  }

  /// The same evidence gives the same bytes, failing or not; and they decode to the same verdict.
  @Test(arguments: [Mutation?.none, Mutation.duplicates[0], Mutation.acknowledgedLoss[0], Mutation.staleTokens[0]])
  func `equal evidence gives equal bytes`(mutation: Mutation?) throws {
    var evidence = CleanDrill.evidence(seed: 9)
    mutation?.apply(&evidence)
    let first = judge(evidence)
    let bytes = try encodeJSON(first)
    #expect(try encodeJSON(judge(evidence)) == bytes)
    #expect(try decodeJSON(DrillVerdict.self, from: bytes) == first)
  }
}
