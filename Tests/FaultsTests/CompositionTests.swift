import Netlink
import Support
import Testing

@testable import Faults

/// Faults that overlap on one node.
@Suite struct ConflictTests {
  private let everything = NodeProfile(
    KernelFeatures(answers: Dictionary(uniqueKeysWithValues: KernelFeatures.Feature.allCases.map { ($0, .available) })),
    devices: ["eth0", "eth1"])

  private func fault(
    _ id: String, inbound: Fault.Effect? = nil, outbound: Fault.Effect? = nil,
    _ targets: Fault.Targets = .init(peers: [.v4(0x0A00_0001)])
  ) -> Fault {
    Fault(
      id: id, run: "r", node: "n", inbound: inbound, outbound: outbound, targets: targets,
      timing: .init(lease: .seconds(10)))
  }

  private let slow = Fault.Effect(delay: .init(.milliseconds(10)))
  private let narrow = Fault.Effect(rate: .init(bytesPerSecond: 100_000))
  private let lossy = Fault.Effect(loss: .everyNth(3))

  @Test func whatComposesIsNoConflict() {
    let group = CgroupID(id: 5, level: 2)
    for (one, two) in [
      (fault("a", inbound: .drop), fault("b", inbound: lossy, outbound: .drop)),
      (fault("a", inbound: lossy), fault("b", inbound: slow)),
      (fault("a", outbound: lossy), fault("b", outbound: narrow)),
      (fault("a", inbound: slow), fault("b", outbound: slow)),
      (fault("a", inbound: .init(cut: .tcpReset)), fault("b", inbound: .drop)),
      (fault("a", inbound: slow), fault("b", inbound: slow, .init(peers: [.v4(0x0A00_0002)]))),
      (
        fault("a", outbound: slow, .init(protocols: [.tcp], devices: ["eth0"])),
        fault("b", outbound: slow, .init(protocols: [.tcp], devices: ["eth1"]))
      ),
      (
        fault("a", outbound: .drop, .init(cgroup: group)),
        fault("b", outbound: .drop, .init(cgroup: CgroupID(id: 6, level: 2)))
      ),
    ] {
      #expect(Fault.conflicts(among: [one, two], on: everything) == [])
      #expect(Fault.conflicts(among: [two, one], on: everything) == [])
    }
    var elsewhere = fault("b", inbound: slow)
    elsewhere.node = "m"
    #expect(Fault.conflicts(among: [fault("a", inbound: slow), elsewhere], on: everything) == [])
  }

  @Test func whatCannotComposeIsNamedInAnyOrder() {
    let group = CgroupID(id: 5, level: 2)
    for (one, two, words) in [
      (fault("a", inbound: .drop), fault("a", outbound: .drop), "the same name"),
      (fault("a", inbound: slow), fault("b", inbound: narrow), "both shape inbound"),
      (fault("a", outbound: slow), fault("b", outbound: slow), "both shape outbound"),
      (fault("a", outbound: .drop), fault("b", outbound: .init(cut: .tcpReset)), "tells its sender"),
      (
        fault("a", outbound: .drop, .init(cgroup: group)),
        fault("b", outbound: lossy, .init(cgroup: CgroupID(id: 9, level: 3))), "by a mark"
      ),
    ] {
      for faults in [[one, two], [two, one]] {
        let found = Fault.conflicts(among: faults, on: everything)
        #expect(found.count == 1 && found.first?.why.contains(words) == true, "\(found)")
        #expect(found.first?.description.hasPrefix("faults \"") == true)
      }
    }
  }

  /// Two delays compose where they are made by delay lines, and only there.
  @Test func whatConflictsDependsOnTheNode() {
    let faults = [fault("a", inbound: slow), fault("b", inbound: slow)]
    var plain = everything
    plain.features.answers[.netem] = .refused(errno: 2)
    #expect(Fault.conflicts(among: faults, on: plain) == [])
    #expect(Fault.conflicts(among: faults, on: everything).count == 1)
    #expect(Fault.conflicts(among: faults).count == 1, "what is not known is refused")
  }

  @Test func targetsOverlapIfAPacketCanBeMeantByBoth() throws {
    func net(_ text: String) throws -> Fault.Targets { .init(networks: [try #require(IPPrefix(text))]) }
    let one = Fault.Targets(peers: [.v4(0x0A00_0001)])
    #expect(one.overlaps(one))
    #expect(!one.overlaps(.init(peers: [.v4(0x0A00_0002)])))
    #expect(try one.overlaps(net("10.0.0.0/8")) && net("10.0.0.0/8").overlaps(one))
    #expect(try !one.overlaps(net("11.0.0.0/8")))
    #expect(try net("10.0.0.0/8").overlaps(net("10.1.0.0/16")) && net("10.1.0.0/16").overlaps(net("10.0.0.0/8")))
    #expect(try !net("10.0.0.0/16").overlaps(net("10.1.0.0/16")))
    #expect(one.overlaps(.init(names: ["x"])), "a name may stand for anything")
    func ports(_ range: PortRange) -> Fault.Targets { .init(localPorts: [range]) }
    #expect(ports(.init(1, 5)).overlaps(ports(.init(5, 9))) && !ports(.init(1, 4)).overlaps(ports(.init(5, 9))))
    #expect(!Fault.Targets(protocols: [.tcp]).overlaps(.init(protocols: [.udp])))
    #expect(Fault.Targets(protocols: [.icmp]).overlaps(.init(protocols: [.number(58)])))
    #expect(!Fault.Targets(protocols: [.tcp], user: 1).overlaps(.init(protocols: [.tcp], user: 2)))
  }
}

/// Random sequences of arming and disarming on the real kernel: after each step packets fare as the faults that are held
/// say, and at the end everything is as at the beginning.
@Suite(.enabled(if: isRoot, "needs root for namespaces"), .serialized) struct CompositionTests {
  /// What a fault of the sequence does to each kind of packet, apart from the others.
  private struct Part {
    var fault: Fault
    /// Of datagrams into `b` from `a`, by family, the part that is dropped: 1 all, 0 none, in between a share.
    var inboundLoss: [IPAddress.Family: Double] = [:]
    var outboundLoss: [IPAddress.Family: Double] = [:]
    var delayMilliseconds = 0
  }

  private func parts(_ wire: Wire) -> [Part] {
    let (four, six) = (Fault.Targets(peers: [wire.addressesA[0]]), Fault.Targets(peers: [wire.addressesA[1]]))
    func lasting(_ fault: Fault) -> Fault {
      var fault = fault
      // Longer than a crowded machine stops any thread.
      fault.timing = .init(lease: .seconds(300), heartbeat: .seconds(2), silence: .seconds(60))
      return fault
    }
    var parts = [
      Part(fault: wire.fault("in4", inbound: .drop, targets: four), inboundLoss: [.v4: 1]),
      Part(fault: wire.fault("in6", inbound: .init(cut: .icmp(.hostUnreachable)), targets: six), inboundLoss: [.v6: 1]),
      Part(
        fault: wire.fault("lossA", inbound: .init(loss: .random(probability: 0.5))),
        inboundLoss: [.v4: 0.5, .v6: 0.5]),
      Part(
        fault: wire.fault("lossB", inbound: .init(loss: .pattern(probability: 0.5)), targets: six),
        inboundLoss: [.v6: 0.5]),
    ]
    if kernel.has(.egressHook), kernel.has(.forward), kernel.has(.ifb) {
      parts += [
        Part(fault: wire.fault("out4", outbound: .drop, targets: four), outboundLoss: [.v4: 1]),
        Part(
          fault: wire.fault("out", outbound: .init(loss: .random(probability: 0.5))),
          outboundLoss: [.v4: 0.5, .v6: 0.5]),
      ]
    }
    if kernel.has(.packetQueue), kernel.has(.queueExpression) || kernel.has(.compatibleQueue) {
      for id in ["slowA", "slowB"] {
        let effect = Fault.Effect(delay: .init(.milliseconds(15)))
        parts.append(
          Part(fault: wire.fault(id, inbound: effect, repeatsExactly: true), delayMilliseconds: 15))
      }
    }
    return parts.map { part in
      var part = part
      part.fault = lasting(part.fault)
      return part
    }
  }

  @Test(arguments: 0..<3) func everyOrderOfArmingAndDisarmingLeavesTheRightRemainder(_ round: Int) async throws {
    try await Wire.with { wire in
      var random = SeededRandom(seed: UInt64(round), for: "composition")
      let parts = parts(wire)
      let (undo, log) = (PromiseLog(), EventLog())
      let holder = try FaultHolder(node: "b", namespace: wire.b, undo: undo, features: kernel, report: log.add)
      let traffic = try IPAddress.Family.allCases.map {
        (family: $0, inward: try wire.inward($0), outward: try wire.outward($0))
      }
      let before = try await holder.snapshot()
      var held: Set<Int> = []
      for step in 0..<10 {
        let index = Int.random(in: parts.indices, using: &random)
        if held.remove(index) != nil {
          let outcome = try await holder.disarm(parts[index].fault.id)
          #expect(outcome.end == .disarmed)
        } else {
          _ = try await holder.arm(parts[index].fault)
          held.insert(index)
        }
        try #require(log.outcomes.allSatisfy { $0.end == .disarmed }, "\(log.all)")
        let place = "step \(step): \(held.map { parts[$0].fault.id }.sorted())"
        for (family, inward, outward) in traffic {
          let delay = held.map { parts[$0].delayMilliseconds }.reduce(0, +)
          expect(
            inward, loss: held.map { parts[$0].inboundLoss[family] ?? 0 }, delayMilliseconds: delay,
            "\(place), inbound \(family)")
          expect(
            outward, loss: held.map { parts[$0].outboundLoss[family] ?? 0 }, delayMilliseconds: 0,
            "\(place), outbound \(family)")
        }
        let now = try await holder.snapshot()
        let others = now.difference(from: before, ignoringObjectsOf: held.map { parts[$0].fault })
        #expect(others == [], "\(place)")
        for index in parts.indices {
          let isThere = now.rules.contains {
            $0.split(separator: " ").contains(Substring(parts[index].fault.tableName))
          }
          #expect(isThere == held.contains(index), "\(place): \(parts[index].fault.id)")
        }
      }
      for index in held.shuffled(using: &random) { _ = try await holder.disarm(parts[index].fault.id) }
      expectNothing(try await holder.snapshot().difference(from: before))
      #expect(undo.all.map(\.isSettled) == Array(repeating: true, count: undo.all.count))
      await holder.close()
    }
  }

  /// 40 datagrams fare as the losses say: a share of one half each, independently; or all, or none.
  private func expect(_ traffic: Traffic, loss: [Double], delayMilliseconds: Int, _ place: String) {
    let arrived = traffic.send(40, patienceMilliseconds: Int32(40 + delayMilliseconds))
    let passing = loss.reduce(1) { $0 * (1 - $1) }
    switch passing {
    case 0: #expect(arrived == [], "\(place)")
    case 1: #expect(arrived.count == 40, "\(place)")
    default:
      // Within 5 deviations on both sides, and never all.
      let deviation = (40 * passing * (1 - passing)).squareRoot()
      #expect(abs(Double(arrived.count) - 40 * passing) < 5 * deviation, "\(place): \(arrived.count) of 40")
      #expect(arrived.count < 40, "\(place)")
    }
  }
}
