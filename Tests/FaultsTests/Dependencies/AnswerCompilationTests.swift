import Netlink
import Support
import Testing

@testable import Faults

@Suite struct AnswerCompilationTests {
  private let node = NodeProfile(
    KernelFeatures(answers: Dictionary(uniqueKeysWithValues: KernelFeatures.Feature.allCases.map { ($0, .available) })),
    devices: ["eth0"])

  private func fault(_ answers: Fault.Answers, _ targets: Fault.Targets = .init(), outbound: Bool = false) -> Fault {
    let effect = Fault.Effect(answers: answers)
    return Fault(
      id: "f", run: "r", node: "n", inbound: outbound ? nil : effect, outbound: outbound ? effect : nil,
      targets: targets, timing: .init(lease: .seconds(60)))
  }

  @Test func thePlanNamesTheRuleAndWhatIsChanged() throws {
    let rules: [Fault.NameRule] = [
      .init("db.example", .addresses([.v4(0xC000_0201), .v6(1, 2)], timeToLiveSeconds: 1)),
      .init("*.example", .noSuchName, delay: .milliseconds(1500)), .init("slow", delay: .seconds(2)),
      .init("*", .silence),
    ]
    let plan = try FaultPlan(fault(.names(rules), .init(peers: [.v4(0x0A00_0035)])), on: node)
    #expect(
      plan.changes.first
        == "open the inbound line that changes answers about db.example: 192.0.2.1 ::1:0:0:0:2; about *.example: "
        + "NXDOMAIN, 1500ms late; about slow: 2s late; about *: none, at most 30000 packets")
    #expect(plan.changes.contains("add element inet bs_r_f remote_ports { 53-53 }"), "\(plan.changes)")
    #expect(plan.changes.contains { $0.contains("rule inet bs_r_f answers") && $0.hasSuffix("delay line, bypass") })
    #expect(plan.changes.contains { $0.contains("prerouting priority -297") })
    #expect(plan.mechanisms.map(\.mechanism) == [.answerChange])
    let time = try FaultPlan(fault(.time(.init(.seconds(-5), driftPartsPerBillion: 7))), on: node)
    #expect(time.changes.first?.contains("time servers −5s, drifting by 7 ppb") == true, "\(time.changes)")
    #expect(time.changes.contains("add element inet bs_r_f remote_ports { 123-123 }"))
  }

  @Test func mistakesAreNamed() {
    func refused(_ fault: Fault, _ words: String) {
      let error = #expect(throws: FaultError.self) { try fault.compile(for: node) }
      #expect(error?.description.contains(words) == true, "\(String(describing: error))")
    }
    func rule(_ name: String = "a", _ change: Fault.NameRule.Change = .noSuchName, delay: Duration = .zero) -> Fault {
      fault(.names([.init(name, change, delay: delay)]))
    }
    refused(fault(.names([])), "name no names")
    refused(rule("a..b"), "is no name")
    refused(rule("*."), "is no name")
    refused(rule("a", .unchanged), "neither changed nor held back")
    refused(rule("a", .silence, delay: .seconds(1)), "cannot come late")
    refused(rule(delay: .seconds(61)), "within 0 and 1 minute")
    refused(rule(delay: .seconds(-1)), "within 0 and 1 minute")
    refused(rule("a", .addresses([], timeToLiveSeconds: 1)), "1 to 8 addresses")
    refused(rule("a", .addresses((1...9).map { .v4($0) }, timeToLiveSeconds: 1)), "1 to 8 addresses")
    refused(rule("a", .addresses([.v4(1), .v4(1)], timeToLiveSeconds: 1)), "each once")
    refused(rule("a", .addresses([.v6(0, 0xFFFF_0A00_0001)], timeToLiveSeconds: 1)), "in IPv6 clothes")
    refused(rule("a", .addresses([.v4(1)], timeToLiveSeconds: 90_000)), "at most a day")
    refused(fault(.time(.init(.zero))), "shifted by nothing")
    refused(fault(.time(.init(.seconds(400_000_000)))), "more than ten years")
    refused(fault(.time(.init(.zero, driftPartsPerBillion: 200_000_000))), "at most 100,000,000")
    refused(fault(.names([.init("a", .refusal)]), outbound: true), "inbound side")
    refused(fault(.names([.init("a", .refusal)]), .init(protocols: [.tcp])), "leave the protocol out")
    var both = fault(.names([.init("a", .refusal)]))
    both.inbound?.loss = .everyNth(2)
    refused(both, "stand alone")
    both = fault(.names([.init("a", .refusal)]))
    both.killsConnections = true
    refused(both, "stand alone")
    let bare = NodeProfile.unknown
    let error = #expect(throws: FaultError.self) { try rule().compile(for: bare) }
    #expect(error?.description.contains("changing answers needs") == true)
  }

  @Test func theSameAnswersCannotBeChangedTwice() {
    func conflicts(_ one: Fault.Answers, _ two: Fault.Answers) -> Int {
      var second = fault(two)
      second.id = "g"
      return Fault.conflicts(among: [fault(one), second], on: node).count
    }
    let a = Fault.Answers.names([.init("a.example", .silence)])
    #expect(conflicts(a, .names([.init("*.example", .noSuchName)])) == 1)
    #expect(conflicts(a, .names([.init("b.example", .noSuchName)])) == 0)
    #expect(conflicts(a, .time(.init(.seconds(1)))) == 0)
    #expect(conflicts(.time(.init(.seconds(1))), .time(.init(.seconds(2)))) == 1)
  }
}
