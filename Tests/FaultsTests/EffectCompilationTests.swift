import Netlink
import Support
import Testing

@testable import Faults

/// What each kind of effect becomes, in words that a plan prints; and what is refused.
@Suite struct EffectCompilationTests {
  private func profile(without missing: [KernelFeatures.Feature] = []) -> NodeProfile {
    let answers = KernelFeatures.Feature.allCases.map { feature in
      (feature, missing.contains(feature) ? KernelFeatures.Answer.refused(errno: 2) : .available)
    }
    return NodeProfile(KernelFeatures(answers: Dictionary(uniqueKeysWithValues: answers)), devices: ["eth0"])
  }

  private func fault(
    inbound: Fault.Effect? = nil, outbound: Fault.Effect? = nil,
    _ targets: Fault.Targets = .init(peers: [.v4(0x0A00_0001)])
  ) -> Fault {
    Fault(
      id: "f", run: "r", node: "n", inbound: inbound, outbound: outbound, targets: targets,
      timing: .init(lease: .seconds(60)), seed: 1)
  }

  /// The plan's lines without those that every fault has: tables, and the set and the rule of its life.
  private func lines(_ fault: Fault, on node: NodeProfile) throws -> [String] {
    try FaultPlan(fault, on: node).changes.filter { line in
      !line.hasPrefix("add table") && !line.contains(" alive ") && !line.contains("@alive")
    }
  }

  @Test func aCutOfWhatLeavesIsSteeredIntoADeviceThatIsDown() throws {
    let fault = fault(outbound: .drop)
    let device = ScaffoldName(fault, role: "hole").interface
    #expect(
      try lines(fault, on: profile()) == [
        "add device \(device), an ifb that stays down (hole)",
        "add chain netdev bs_r_f out",
        "add chain netdev bs_r_f out_0 { type filter hook egress device \"eth0\" priority -300; policy accept; }",
        "add set netdev bs_r_f peers_v4 { type ipv4_addr }", "add element netdev bs_r_f peers_v4 { 10.0.0.1 }",
        "add rule netdev bs_r_f out meta protocol 0x0800 ip daddr @peers_v4 counter fwd to the device for hole",
        "add rule netdev bs_r_f out_0 meta protocol 0x0800 ip daddr != @peers_v4 accept",
        "add rule netdev bs_r_f out_0 goto out",
      ])
    #expect(device.count == 14)
  }

  @Test func lossesAreDrawnByTheKernelOrByNumber() throws {
    func rule(_ loss: Fault.Loss) throws -> String? {
      try lines(fault(inbound: .init(loss: loss)), on: .unknown).last
    }
    let head = "add rule inet bs_r_f lose_in meta nfproto 2 ip saddr @peers_v4 counter"
    #expect(try rule(.random(probability: 0.5)) == "\(head) meta random < 0x80000000 counter drop")
    #expect(try rule(.random(probability: 1e-12)) == "\(head) meta random < 0x00000001 counter drop")
    #expect(try rule(.random(probability: 1)) == "\(head) counter drop")
    #expect(try rule(.everyNth(10)) == "\(head) numgen inc mod 10 0x09000000 counter drop")
    let drawn = "\(head) numgen inc mod 65536 @lost_inbound counter drop"
    #expect(try rule(.pattern(probability: 0.25)) == drawn)
    #expect(try rule(.bursts(.init(toBad: 0.1, toGood: 0.3))) == drawn)
    #expect(try rule(.random(probability: 0.1, correlation: 0.3)) == drawn)
  }

  @Test func selectorsNarrowARuleAndSeveralWaysToBeMeantShareWhatIsDone() throws {
    var targets = Fault.Targets(
      peers: [.v4(0x0A00_0001)], networks: [try #require(IPPrefix("10.1.0.0/16"))], remotePorts: [.init(5432)],
      localPorts: [.init(1024, 2047)], protocols: [.tcp], cgroup: CgroupID(id: 77, level: 2), exempt: [.v4(0x0A00_0009)]
    )
    targets.except.remotePorts = [.init(22)]
    let rules = try lines(fault(inbound: .drop, targets), on: profile()).filter { $0.hasPrefix("add rule") }
    let narrow =
      "meta l4proto @protocols th sport @remote_ports th dport @local_ports socket cgroupv2 level 2 0x4d00000000000000"
    #expect(
      rules == [
        "add rule inet bs_r_f in_v4 counter drop",
        "add rule inet bs_r_f in meta nfproto 2 ip saddr != @peers_v4 != @networks_v4 accept",
        "add rule inet bs_r_f in meta nfproto 2 ip saddr @exempt_v4 accept",
        "add rule inet bs_r_f in meta l4proto @with_ports th sport @except_remote_ports accept",
        "add rule inet bs_r_f in meta nfproto 2 ip saddr @peers_v4 \(narrow) goto in_v4",
        "add rule inet bs_r_f in meta nfproto 2 ip saddr @networks_v4 \(narrow) goto in_v4",
      ])
  }

  @Test func theControlGroupOfWhatLeavesIsCarriedByAMark() throws {
    let fault = fault(outbound: .drop, .init(peers: [.v4(1)], cgroup: CgroupID(id: 77, level: 2)))
    let rules = try lines(fault, on: profile()).filter { $0.hasPrefix("add rule") }
    #expect(rules.count == 4)
    let mark = try #require(rules[0].split(separator: " ").first { $0.hasPrefix("0x") && $0.count == 10 })
    #expect(
      rules == [
        "add rule inet bs_r_f mark socket cgroupv2 level 2 0x4d00000000000000 \(mark) meta mark set",
        "add rule netdev bs_r_f out meta protocol 0x0800 ip daddr @peers_v4 meta mark \(mark) counter "
          + "fwd to the device for hole",
        "add rule netdev bs_r_f out_0 meta protocol 0x0800 ip daddr != @peers_v4 accept",
        "add rule netdev bs_r_f out_0 goto out",
      ])
  }

  /// Every part of an effect in both directions, on a kernel with everything and on one without netem.
  @Test func eachPartIsMadeByTheMechanismOfTheKernel() throws {
    let parts: [(Fault.Effect, full: [[MechanismChoice.Mechanism]], plain: [[MechanismChoice.Mechanism]]?)] = [
      (.drop, [[.dropAtArrival], [.swallowAtDeparture]], [[.dropAtArrival], [.swallowAtDeparture]]),
      (.init(cut: .tcpReset), [[.reject], [.reject]], [[.reject], [.reject]]),
      (
        .init(loss: .everyNth(2)), [[.dropAtArrival], [.swallowAtDeparture]], [[.dropAtArrival], [.swallowAtDeparture]]
      ),
      (.init(delay: .init(.seconds(1))), [[.netem], [.netem]], [[.delayLine], [.delayLine]]),
      (.init(rate: .init(bytesPerSecond: 1000)), [[.tokenBucket], [.tokenBucket]], [[.tokenBucket], [.tokenBucket]]),
      (
        .init(delay: .init(.seconds(1)), rate: .init(bytesPerSecond: 1000)), [[.netem], [.netem]],
        [[.delayLine, .tokenBucket], [.delayLine, .tokenBucket]]
      ),
      (
        .init(delay: .init(.seconds(1)), rate: .init(bytesPerSecond: 1000, burstBytes: 5000)),
        [[.delayLine, .tokenBucket], [.delayLine, .tokenBucket]],
        [[.delayLine, .tokenBucket], [.delayLine, .tokenBucket]]
      ),
      (.init(duplicate: .init(0.1)), [[.netem], [.netem]], nil),
      (.init(delay: .init(.seconds(1)), corrupt: .init(0.1)), [[.netem], [.netem]], nil),
    ]
    for (effect, full, plain) in parts {
      func mechanisms(_ node: NodeProfile) throws -> [[MechanismChoice.Mechanism]] {
        try [fault(inbound: effect), fault(outbound: effect)].map {
          try $0.compile(for: node).mechanisms.map(\.mechanism)
        }
      }
      #expect(try mechanisms(profile()) == full, "\(effect.words)")
      let without = profile(without: [.netem])
      if let plain {
        #expect(try mechanisms(without) == plain, "\(effect.words)")
      } else {
        let failure = #expect(throws: FaultError.self) { try mechanisms(without) }
        #expect(failure?.description.contains("CONFIG_NET_SCH_NETEM") == true, "\(String(describing: failure))")
      }
    }
    var exact = fault(inbound: .init(delay: .init(.seconds(1))))
    exact.repeatsExactly = true
    #expect(try exact.compile(for: profile()).mechanisms.map(\.mechanism) == [.delayLine])
  }

  @Test func whatANodeLacksIsNamed() throws {
    let group = Fault.Targets(cgroup: CgroupID(id: 5, level: 1))
    let slow = Fault.Effect(delay: .init(.milliseconds(5)))
    let cases: [(Fault, NodeProfile, String)] = [
      (fault(outbound: .drop), profile(without: [.egressHook]), "Linux 5.16"),
      (fault(outbound: .init(loss: .everyNth(2))), profile(without: [.ifb]), "CONFIG_IFB"),
      (fault(inbound: slow), profile(without: [.netem, .queueExpression, .compatibleQueue]), "one is enough"),
      (
        fault(inbound: .init(rate: .init(bytesPerSecond: 1000))), profile(without: [.tokenBucket]), "CONFIG_NET_SCH_TBF"
      ),
      (fault(inbound: .drop, group), profile(without: [.socketControlGroup]), "cgroupv2"),
      (fault(inbound: .init(rate: .init(bytesPerSecond: 1000)), group), profile(), "no control group yet"),
      (fault(outbound: .drop, .init(user: 5)), profile(without: [.socketUser]), "skuid"),
      (fault(outbound: .drop, .init(peers: [.v4(1)], devices: ["eth7"])), profile(), "it has eth0"),
      (fault(outbound: .drop), NodeProfile(profile().features, devices: []), "none besides its loopback"),
      (fault(outbound: .drop), .unknown, "not looked for"),
      (fault(inbound: .init(loss: .pattern(probability: 1e-9))), profile(), "draw it at random"),
      (
        fault(inbound: .init(duplicate: .init(0.1), rate: .init(bytesPerSecond: 1000, burstBytes: 5000))), profile(),
        "which netem has not"
      ),
    ]
    for (fault, node, words) in cases {
      let failure = #expect(throws: FaultError.self) { try fault.compile(for: node) }
      #expect(failure?.description.contains(words) == true, "\(String(describing: failure)) lacks \(words)")
      #expect(failure?.description.hasSuffix("nothing was changed") == true)
    }
  }

  @Test func mistakesInEffectsAndTargetsAreNamed() throws {
    var cases: [(Fault, String)] = [
      (fault(inbound: .init()), "does nothing"),
      (fault(inbound: .init(cut: .silence, loss: .everyNth(2))), "nothing else can happen"),
      (fault(inbound: .init(loss: .random(probability: 1.5))), "1.5 is not within 0 and 1"),
      (fault(inbound: .init(loss: .random(probability: .nan))), "nan is not within"),
      (fault(inbound: .init(loss: .random(probability: 0))), "probability 0"),
      (fault(inbound: .init(loss: .everyNth(0))), "every 0."),
      (fault(inbound: .init(loss: .bursts(.init(toBad: 0, toGood: 1)))), "never loses"),
      (fault(outbound: .init(delay: .init(.seconds(-1)))), "within 0 and 1 hour"),
      (fault(outbound: .init(delay: .init(.zero))), "of nothing"),
      (fault(outbound: .init(delay: .init(.seconds(1), distribution: .table([])))), "1 to 16,384"),
      (fault(outbound: .init(reorder: .init(0.1))), "needs a delay"),
      (fault(outbound: .init(corrupt: .init(0))), "probability 0"),
      (fault(outbound: .init(rate: .init(bytesPerSecond: 5))), "less than 100"),
      (fault(outbound: .init(rate: .init(bytesPerSecond: 5000, burstBytes: 100))), "never lets a full packet"),
      (fault(inbound: .drop, .init()), "no peers"),
      (fault(inbound: .drop, .init(networks: [try #require(IPPrefix("10.0.0.1/8"))])), "bits beyond"),
      (fault(inbound: .drop, .init(names: [""])), "no host name"),
      (fault(inbound: .drop, .init(names: ["10.0.0.1"])), "is an address"),
      (fault(inbound: .drop, .init(localPorts: [.init(5, 4)])), "wrong way round"),
      (fault(inbound: .drop, .init(localPorts: [.init(5)], protocols: [.icmp])), "which has none"),
      (fault(inbound: .drop, .init(user: 5)), "belong to no user yet"),
      (fault(inbound: .drop, .init(cgroup: CgroupID(id: 1, level: 0))), "is the root"),
      (fault(inbound: .drop, .init(peers: [.v4(1)], devices: [])), "leave it out"),
      (fault(inbound: .drop, .init(peers: [.v4(1)], devices: ["sixteen-bytes-ab"])), "no name of a device"),
    ]
    var flapping = fault(inbound: .drop)
    flapping.timing.flapping = .init(on: .milliseconds(10), off: .seconds(1))
    cases.append((flapping, "too fast"))
    for (fault, words) in cases {
      let failure = #expect(throws: FaultError.self) { try fault.compile(for: profile()) }
      #expect(failure?.description.contains(words) == true, "\(String(describing: failure)) lacks \(words)")
    }
  }

  @Test func aDrawnLossHasItsShareItsBurstsAndItsCorrelation() throws {
    func lost(_ loss: Fault.Loss, _ seed: UInt64 = 3) throws -> [UInt32] {
      try #require(loss.lostPackets(seed: seed, part: "x"))
    }
    #expect(try lost(.pattern(probability: 0.1)).count == 6554, "exactly the share")
    #expect(try lost(.pattern(probability: 0.1)) == lost(.pattern(probability: 0.1)))
    #expect(try lost(.pattern(probability: 0.1)) != lost(.pattern(probability: 0.1), 4))
    for (loss, share, repeats) in [
      (Fault.Loss.pattern(probability: 0.2, correlation: 0.6), 0.2, 0.2 + 0.6 * 0.8),
      (.bursts(.init(toBad: 0.02, toGood: 0.25)), 0.02 / 0.27, 0.75),
    ] {
      let numbers = try lost(loss)
      #expect(numbers == numbers.sorted() && Set(numbers).count == numbers.count)
      #expect(abs(Double(numbers.count) / 65_536 - share) < 0.015, "\(numbers.count)")
      let pairs = zip(numbers, numbers.dropFirst()).count { $1 == $0 + 1 }
      #expect(abs(Double(pairs) / Double(numbers.count) - repeats) < 0.02, "\(pairs) of \(numbers.count)")
    }
  }

  @Test func faultsAndWhatIsSaidOfThemTravelAsBytes() throws {
    var fault = fault(
      inbound: .init(
        loss: .bursts(.init(toBad: 0.1, toGood: 0.2)),
        delay: .init(
          .milliseconds(5), jitter: .milliseconds(1), distribution: .table([1, 2]), slots: .init(.zero, .seconds(1))),
        reorder: .init(0.1), duplicate: .init(0.2, correlation: 0.1), corrupt: .init(0.1),
        rate: .init(bytesPerSecond: 1000)), outbound: .init(cut: .icmp(.adminProhibited)),
      .init(
        peers: [.v4(1)], networks: [.everything(.v6)], names: ["x.y"], remotePorts: [.init(5)],
        protocols: [.number(99)],
        cgroup: CgroupID(id: 5, level: 1), devices: ["eth0"]))
    fault.timing.flapping = .init(on: .seconds(1), off: .seconds(2))
    #expect(try decodeJSON(Fault.self, from: encodeJSON(fault)) == fault)
    let plan = try FaultPlan(self.fault(inbound: .init(delay: .init(.seconds(1))), outbound: .drop), on: profile())
    #expect(try decodeJSON(FaultPlan.self, from: encodeJSON(plan)) == plan)
    #expect(plan.undo.contains("ip link delete bs"))
  }
}
