import Glibc
import Testing

@testable import Netlink

@Suite(.enabled(if: isRoot, "needs root for namespaces")) struct KernelFeaturesTests {
  @Test func everyFeatureIsAnsweredAndNothingIsLeftBehind() throws {
    try withNamespaces { made in
      let links = try LinkController(in: made[0])
      let filter = try NFTables.Connection(in: made[0])
      func state() throws -> [String] {
        let tables = (try? filter.ruleset().canonicalLines) ?? ["no inet tables"]
        return try links.links().map(\.name) + tables
      }
      let before = try state()
      let inside = try KernelFeatures.probe(in: made[0])
      let elsewhere = try KernelFeatures.probe()
      #expect(try state() == before)
      #expect(inside == elsewhere, "features are the kernel's")
      #expect(Set(inside.answers.keys) == Set(KernelFeatures.Feature.allCases))
      #expect(!inside.answers.values.contains(.notPermitted))
    }
  }

  /// What the other tests of this suite do for real on this kernel must be found, and what they cannot must not.
  @Test func answersAgreeWithWhatThisKernelDoes() throws {
    let features = try KernelFeatures.probe()
    try withNamespaces { made in
      let links = try LinkController(in: made[0])
      var hasIFB = true
      do { try links.createIFB("probe") } catch { hasIFB = false }
      #expect(features.has(.ifb) == hasIFB)
      let connection = try NFTables.Connection(in: made[0])
      let table = NFTables.TableID(.inet, "t")
      var hasQueue = true
      do {
        try connection.commit(
          .init([
            .addTable(table, flags: .owner), .addChain(table, name: "c", hook: .output, priority: 0),
            .addRule(table, chain: "c", [.queue(5, bypass: true)]),
          ]))
      } catch { hasQueue = false }
      #expect(features.has(.queueExpression) == hasQueue)
    }
  }

  @Test func answersSurviveTheirWayAsText() throws {
    let features = KernelFeatures(answers: [.netem: .refused(errno: 2), .ifb: .available, .netemSeed: .ignored])
    #expect(features.has(.ifb) && !features.has(.netem) && !features.has(.netemSeed) && !features.has(.reject))
    #expect(KernelFeatures.Answer.refused(errno: 2).description == "refused: No such file or directory (2)")
    for feature in KernelFeatures.Feature.allCases { #expect(!feature.requirement.isEmpty) }
  }

  /// Without capabilities there is an answer, not a failure.
  @Test func withoutPermissionEveryAnswerSaysSo() throws {
    var answers: [KernelFeatures.Feature: KernelFeatures.Answer]?
    var failure: (any Error)?
    // Only the errand's own thread gives up its rights, and it ends with them.
    try NetworkNamespace.current().run {
      guard dropCapabilities() else { return }
      do { answers = try KernelFeatures.probe().answers } catch { failure = error }
    }
    #expect(failure == nil)
    let all = try #require(answers)
    #expect(all.count == KernelFeatures.Feature.allCases.count)
    #expect(all.values.allSatisfy { $0 == .notPermitted })
  }
}
