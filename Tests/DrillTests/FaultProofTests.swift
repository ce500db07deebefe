@testable import Faults
import Netlink
import Testing

@testable import Drill

/// What must be seen before a fault counts as in force: that it bites what it names, and nothing else.
@Suite struct FaultProofTests {
  private let ends: [ReachabilityProbe.End] = [
    .init(node: "a", address: .v4(1), port: 1001), .init(node: "a", address: .v6(0, 1), port: 1002),
    .init(node: "b", address: .v4(2), port: 2001), .init(node: "b", address: .v6(0, 2), port: 2002),
  ]

  private func fault(
    inbound: Fault.Effect? = nil, outbound: Fault.Effect? = nil, _ targets: Fault.Targets = .init(peers: [.v4(2)]),
    flapping: Fault.Flapping? = nil
  ) -> Fault {
    Fault(
      id: "f", run: "r", node: "a", inbound: inbound, outbound: outbound, targets: targets,
      timing: .init(lease: .seconds(5), flapping: flapping))
  }

  private func proof(_ faults: Fault...) -> FaultProof {
    FaultProof(promising: [], faults, between: ends, sentBy: 0)
  }

  /// What is expected of each direction between a and b: `+` open, `-` cut, `?` either; v4 in, v6 in, v4 out, v6 out of a.
  private func expected(_ proof: FaultProof) -> String {
    [("b", "a", .v4), ("b", "a", .v6), ("a", "b", .v4), ("a", "b", .v6)].map { from, to, family in
      proof.isOpen(.init(from, to, family)).map { $0 ? "+" : "-" } ?? "?"
    }.joined()
  }

  private func seen(
    _ arrived: [String: Int] = [:], refused: Int = 0, delay: Int64 = 100_000
  ) -> Reachability {
    let pairs: [(String, String, IPAddress.Family)] = [
      ("b", "a", .v4), ("b", "a", .v6), ("a", "b", .v4), ("a", "b", .v6),
    ]
    return Reachability(
      fromNanoseconds: 0, untilNanoseconds: 1,
      paths: pairs.map { from, to, family in
        let count = arrived["\(from)\(to)\(family)"] ?? 5
        let isRefused = count == 0 && refused > 0
        return Reachability.Path(
          from: from, to: to, family: family, sent: isRefused ? 0 : 5, arrived: count, refused: isRefused ? refused : 0,
          errno: isRefused ? 1 : nil, delays: Array(repeating: delay, count: count))
      })
  }

  @Test func aCutIsExpectedWhereItIsAndNowhereElse() {
    #expect(expected(proof(fault(inbound: .drop))) == "-+++")
    #expect(expected(proof(fault(outbound: .drop))) == "++-+")
    let network = Fault.Targets(networks: [.everything(.v6)])
    #expect(expected(proof(fault(inbound: .drop, outbound: .drop, network))) == "+-+-")
    #expect(expected(proof(fault(inbound: .drop), fault(outbound: .drop, network))) == "-++-")
    #expect(expected(proof()) == "++++")
  }

  @Test func whatOurDatagramsAreNotMeantByLeavesThemAlone() {
    var targets = Fault.Targets(peers: [.v4(2), .v6(0, 2)], protocols: [.tcp])
    #expect(expected(proof(fault(inbound: .drop, outbound: .drop, targets))) == "++++")
    targets.protocols = []
    targets.localPorts = [PortRange(1001)]
    #expect(expected(proof(fault(inbound: .drop, outbound: .drop, targets))) == "-+-+")
    targets.localPorts = []
    targets.user = 5
    #expect(expected(proof(fault(outbound: .drop, targets))) == "++++")
    targets.user = 0
    #expect(expected(proof(fault(outbound: .drop, targets))) == "++--")
  }

  @Test func whatCannotBeKnownMayGoEitherWay() {
    #expect(expected(proof(fault(inbound: .drop, .init(names: ["b.test"])))) == "??++")
    #expect(expected(proof(fault(inbound: .init(loss: .everyNth(2))))) == "?+++")
    let flapping = Fault.Flapping(on: .seconds(1), off: .seconds(1))
    #expect(expected(proof(fault(inbound: .drop, flapping: flapping))) == "?+++")
    #expect(expected(proof(fault(inbound: .drop, .init(peers: [.v4(2)], cgroup: CgroupID(id: 9, level: 1))))) == "?+++")
  }

  @Test func aCutThatDoesNotBiteContradicts() {
    let cut = proof(fault(inbound: .drop))
    #expect(cut.contradictions(seen(["bav4": 0])) == [])
    #expect(cut.contradictions(seen()).count == 1)
    // And one that takes another family along.
    #expect(cut.contradictions(seen(["bav4": 0, "bav6": 0])).count == 1)
  }

  @Test func aRefusalBySendersOwnNodeShowsTheCut() {
    let refused = proof(fault(outbound: .init(cut: .icmp(.adminProhibited))))
    #expect(refused.contradictions(seen(["abv4": 0], refused: 5)) == [])
    // Of silence nobody is told: a sender that is refused shows something else.
    #expect(proof(fault(outbound: .drop)).contradictions(seen(["abv4": 0], refused: 5)).count == 1)
  }

  @Test func delaysOfBothEndsAddUp() {
    let late = Fault.Effect(delay: .init(.milliseconds(50)))
    let both = proof(fault(outbound: late), fault(outbound: late))
    #expect(both.longestDelay == 100_000_000)
    #expect(both.contradictions(seen(delay: 100_200_000)) == [])
    let wrong = both.contradictions(seen(delay: 60_000_000))
    #expect(wrong.count == 1 && wrong[0].hasPrefix("a → b (v4)"), "\(wrong)")
    #expect(both.measured(seen()).count == 1)
  }

  /// Our own datagrams never make a fault look as if it bit.
  @Test func ownDatagramsAreCountedWhereTheyMayHaveBeenMet() {
    func met(_ fault: Fault, _ seen: Reachability) -> [Fault.Direction: UInt64] {
      FaultProof.met(fault, seen, between: ends, sentBy: 0)
    }
    #expect(met(fault(inbound: .drop), seen(["bav4": 0])) == [.inbound: 5])
    #expect(met(fault(inbound: .drop), seen(["bav4": 2])) == [.inbound: 3])
    #expect(
      met(fault(inbound: .init(loss: .everyNth(9)), outbound: .drop), seen(["abv4": 0])) == [.inbound: 5, .outbound: 5])
    #expect(met(fault(outbound: .init(cut: .tcpReset)), seen(["abv4": 0], refused: 4)) == [.outbound: 4])
    #expect(met(fault(inbound: .drop, .init(names: ["x"])), seen(["bav4": 0, "bav6": 0])) == [.inbound: 10])
    #expect(met(fault(inbound: .drop, .init(peers: [.v4(2)], protocols: [.tcp])), seen(["bav4": 0])) == [:])
  }

  /// Of each direction what it met, and of answers those that were changed.
  @Test func countersAreReadByDirection() {
    var counters = FaultCounters(
      inbound: .init(v4: .init(drawn: .init(packets: 9, bytes: 1), stopped: .init(packets: 2, bytes: 1))),
      outbound: .init(v6: .init(shaped: .init(packets: 4, bytes: 1))))
    #expect(counters.met(.inbound) == 9 && counters.met(.outbound) == 4)
    var line = DelayLine.Counters()
    line.answers = .init()
    counters.inboundLine = line
    #expect(counters.met(.inbound) == 0, "looked at, and not changed")
    line.answers?.changed = 3
    counters.inboundLine = line
    #expect(counters.met(.inbound) == 3)
  }
}
