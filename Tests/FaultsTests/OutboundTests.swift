import Glibc
import Netlink
import Support
import Testing

@testable import Faults

private let hole: [KernelFeatures.Feature] = [.egressHook, .forward, .ifb]
private let canSwallow = hole.allSatisfy(kernel.has)
private let canLimit = canSwallow && kernel.has(.ingressHook) && kernel.has(.tokenBucket)
private let hasLine = kernel.has(.packetQueue) && (kernel.has(.queueExpression) || kernel.has(.compatibleQueue))

/// What happens to packets that leave, and whatever stands on devices and in queues.
@Suite(.enabled(if: isRoot, "needs root for namespaces"), .serialized) struct OutboundTests {
  @Test(.enabled(if: canSwallow, "needs the egress hook, fwd and ifb"))
  func aCutOfWhatLeavesIsSilentAndKeepsTheSendersBackOff() async throws {
    try await Wire.with { wire in
      let undo = PromiseLog()
      let (inward, outward) = (try wire.inward(), try wire.outward(.v6))
      let stream = try Stream(from: wire.b, to: wire.a, at: wire.addressesA[0])
      #expect(stream.passes("one", withinMilliseconds: 1000))
      try await wire.holding(wire.fault(outbound: .drop), undo: undo) { holder in
        #expect(!outward.passes(), "and no sendto was refused")
        #expect(inward.passes())
        #expect(!stream.passes("two", withinMilliseconds: 900))
        let (retransmits, backOff) = stream.senderBackOff
        #expect(retransmits >= 1 && backOff >= 1, "\(retransmits) retransmits, back-off \(backOff)")
        let counters = try await holder.counters(of: "f")
        #expect(counters.outbound?.v6?.stopped?.packets == 3 && counters.inbound == nil)
        #expect(undo.all.count == 1 && undo.all[0].isMade && !undo.all[0].isSettled)
      }
      #expect(outward.passes())
      #expect(stream.receives(withinMilliseconds: 5000), "TCP repeats what was swallowed")
    }
  }

  @Test func refusalsOfWhatLeavesReachTheSenderAtOnce() async throws {
    try await Wire.with { wire in
      let port = try Listener(wire.addressesA[0], in: wire.a)
      var answers: [Int32?] = []
      for refusal in [Fault.Refusal.tcpReset, .icmp(.hostUnreachable)] {
        try await wire.holding(wire.fault(outbound: .init(cut: refusal))) { _ in
          answers.append(port.connectError(from: wire.b, withinMilliseconds: 2000))
        }
      }
      #expect(answers == [ECONNREFUSED, EHOSTUNREACH])
    }
  }

  @Test(.enabled(if: canSwallow && kernel.has(.socketUser), "needs meta skuid"))
  func onlyPacketsOfTheUserAreSwallowed() async throws {
    try await Wire.with { wire in
      let ear = try DatagramSocket(wire.addressesA[0], in: wire.a)
      let outward = try wire.outward()
      let targets = Fault.Targets(peers: wire.addressesA, user: 34_567)
      func isHeard(_ user: UInt32) throws -> Bool {
        try say(in: wire.b, to: "\(wire.addressesA[0])", ear.port, user: user)
        return ear.receive() != nil
      }
      try await wire.holding(wire.fault(outbound: .drop, targets: targets)) { _ in
        let (meant, other) = (try isHeard(34_567), try isHeard(34_568))
        #expect(!meant && other)
        #expect(outward.passes(), "root's")
      }
    }
  }

  /// 100 datagrams of 1,000 bytes at 50,000 bytes/s take two seconds less the burst; only what fits the queue comes at all.
  @Test(.enabled(if: canLimit, "needs the device hooks, fwd, ifb and the token bucket"), arguments: [true, false])
  func aRateLetsThroughWhatItSays(_ isInbound: Bool) async throws {
    try await Wire.with { wire in
      let traffic = isInbound ? try wire.inward() : try wire.outward()
      let other = isInbound ? try wire.outward() : try wire.inward()
      let effect = Fault.Effect(rate: .init(bytesPerSecond: 50_000, burstBytes: 2000, queueBytes: 64_000))
      let fault = isInbound ? wire.fault(inbound: effect) : wire.fault(outbound: effect)
      try await wire.holding(fault) { _ in
        let start = Timebase.system.monotonic()
        for _ in 0..<40 { #expect(traffic.sender.send([UInt8](repeating: 1, count: 958), to: traffic.receiver) == nil) }
        var bytes = 0
        var last = start
        while Timebase.system.monotonic() - last < 400_000_000 {
          DatagramSocket.wait(for: [traffic.receiver], milliseconds: 10)
          while traffic.receiver.receive() != nil {
            bytes += 1000
            last = Timebase.system.monotonic()
          }
        }
        let seconds = Double(last - start) / 1e9
        #expect(bytes == 40_000, "the queue holds them all")
        #expect((0.70...1.5).contains(seconds), "38,000 bytes beyond the burst take 0.76 s, not \(seconds)")
        #expect(other.passes(), "the other direction is as fast as ever")
      }
    }
  }

  @Test(.enabled(if: hasLine, "needs a packet queue"), arguments: [true, false])
  func aDelayHoldsPacketsOfItsDirectionInOrder(_ isInbound: Bool) async throws {
    try await Wire.with { wire in
      let traffic = isInbound ? try wire.inward() : try wire.outward()
      let other = isInbound ? try wire.outward(.v6) : try wire.inward(.v6)
      let effect = Fault.Effect(delay: .init(.milliseconds(60), jitter: .milliseconds(20), distribution: .normal))
      var fault = isInbound ? wire.fault(inbound: effect) : wire.fault(outbound: effect)
      fault.repeatsExactly = true  // also where the kernel has netem
      try await wire.holding(fault) { holder in
        let arrived = traffic.send(200, patienceMilliseconds: 2000)
        #expect(arrived == Array(0..<200))
        let counters = try await holder.counters(of: "f")
        let line = try #require(isInbound ? counters.inboundLine : counters.outboundLine)
        #expect(line.released >= 200 && line.overflowed == 0)
        let there = try #require(other.oneWayNanoseconds())
        #expect(there < 40_000_000, "the other direction took \(there) ns")
      }
      var plain = fault
      plain.id = "plain"
      let steady = Fault.Effect(delay: .init(.milliseconds(60)))
      if isInbound { plain.inbound = steady } else { plain.outbound = steady }
      try await wire.holding(plain) { _ in
        let took = try #require(traffic.oneWayNanoseconds())
        #expect((60_000_000...120_000_000).contains(took), "\(took) ns")
      }
    }
  }

  /// Two delays of one node add up, and losing one of the two faults drops nothing that the other holds.
  @Test(.enabled(if: hasLine, "needs a packet queue")) func delaysOfTwoFaultsAddUp() async throws {
    try await Wire.with { wire in
      let traffic = try wire.inward()
      let holder = try FaultHolder(node: "b", namespace: wire.b, features: kernel) { _ in }
      func slow(_ id: String, _ milliseconds: Int) -> Fault {
        wire.fault(id, inbound: .init(delay: .init(.milliseconds(milliseconds))), repeatsExactly: true)
      }
      #expect(
        Fault.conflicts(among: [slow("one", 40), slow("two", 50)], on: NodeProfile(kernel, devices: ["wire"])) == [])
      _ = try await holder.arm(slow("one", 40))
      _ = try await holder.arm(slow("two", 50))
      let both = try #require(traffic.oneWayNanoseconds())
      #expect((90_000_000...160_000_000).contains(both), "\(both) ns")
      for number in 0..<5 { #expect(traffic.sender.send([0, 0, 0, UInt8(number)], to: traffic.receiver) == nil) }
      _ = try await holder.disarm("two")
      var arrived = 0
      for _ in 0..<40 where arrived < 5 {
        DatagramSocket.wait(for: [traffic.receiver], milliseconds: 10)
        while traffic.receiver.receive() != nil { arrived += 1 }
      }
      #expect(arrived == 5)
      let one = try #require(traffic.oneWayNanoseconds())
      #expect((40_000_000...85_000_000).contains(one), "\(one) ns")
      await holder.close()
    }
  }

  @Test(.enabled(if: kernel.has(.socketDestroy), "needs SOCK_DESTROY"))
  func connectionsWithTheTargetsAreDestroyedAndOthersLive() async throws {
    try await Wire.with { wire in
      let stream = try Stream(from: wire.b, to: wire.a, at: wire.addressesA[0])
      let reverse = try Stream(from: wire.a, to: wire.b, at: wire.addressesB[0])
      let local = try Stream(from: wire.b, to: wire.b, at: wire.addressesB[0])
      for stream in [stream, reverse, local] { #expect(stream.passes("one", withinMilliseconds: 1000)) }
      let fault = Fault(
        id: "kill", run: "test", node: "b", killsConnections: true, targets: .init(peers: wire.addressesA),
        timing: .init(lease: .seconds(30)))
      let holder = try FaultHolder(node: "b", namespace: wire.b, features: kernel) { _ in }
      let before = try await holder.snapshot()
      let receipt = try await holder.arm(fault)
      #expect(receipt.connectionsDestroyed == 2 && receipt.table == "")
      #expect(stream.senderError == ECONNABORTED)
      #expect(!reverse.passes("two", withinMilliseconds: 200))
      #expect(local.passes("two", withinMilliseconds: 1000))
      let again = try Stream(from: wire.b, to: wire.a, at: wire.addressesA[0])
      #expect(again.passes("one", withinMilliseconds: 1000), "later ones live")
      let outcome = try await holder.disarm("kill")
      #expect(outcome.end == .disarmed && outcome.counters.connectionsDestroyed == 2)
      expectNothing(try await holder.snapshot().difference(from: before))
      await holder.close()
    }
  }

  @Test(.enabled(if: canSwallow, "needs the egress hook, fwd and ifb"))
  func aDeviceThatSomebodyRemovedEndsTheFaultAndIsReported() async throws {
    try await Wire.with { wire in
      let log = EventLog()
      let undo = PromiseLog()
      let holder = try FaultHolder(node: "b", namespace: wire.b, undo: undo, features: kernel, report: log.add)
      let before = try await holder.snapshot()
      let fault = wire.fault(outbound: .drop, timing: .init(lease: .seconds(30), heartbeat: .milliseconds(100)))
      _ = try await holder.arm(fault)
      let removed = Timebase.system.monotonic()
      let device = ScaffoldName(fault, role: "hole").interface
      try LinkController(in: wire.b).deleteLink(device)
      for _ in 0..<100 where log.outcomes.isEmpty { try await Task.sleep(for: .milliseconds(20)) }  // a heartbeat
      let outcome = try #require(log.outcomes.first)
      guard case .vanished(let what) = outcome.end else {
        Issue.record("\(outcome)")
        return
      }
      #expect(what == "device \(device)")
      #expect(outcome.provenUntilNanoseconds <= removed)
      #expect(try wire.outward().passes(), "what was left of it is gone")
      expectNothing(try await holder.snapshot().difference(from: before))
      #expect(undo.all.map(\.isSettled) == [true])
      await holder.close()
    }
  }

  @Test func whatCannotBeMadeLeavesEverythingAsItWas() async throws {
    try await Wire.with { wire in
      func failure(
        _ fault: Fault, undo: (any UndoKeeper)?, features: KernelFeatures = kernel
      ) async throws -> FaultError? {
        let holder = try FaultHolder(node: "b", namespace: wire.b, undo: undo, features: features) { _ in }
        let before = try await holder.snapshot()
        let failure = await #expect(throws: FaultError.self) { try await holder.arm(fault) }
        expectNothing(try await holder.snapshot().difference(from: before))
        await holder.close()
        return failure
      }
      func expect(_ failure: FaultError?, says words: String, sourceLocation: Testing.SourceLocation = #_sourceLocation)
      {
        let text = failure?.description ?? ""
        #expect(
          text.contains(words) && text.hasSuffix("nothing was changed"), "\(text)", sourceLocation: sourceLocation)
      }
      var fault = wire.fault(outbound: .drop)
      expect(
        try await failure(fault, undo: nil, features: NodeProfile.unknown.features), says: "needs the netdev egress")
      if canSwallow {
        expect(try await failure(fault, undo: nil), says: "nobody was given who would remove it")
        let refusing = PromiseLog(refusing: .noGuardian("no program"))
        expect(try await failure(fault, undo: refusing), says: "no guardian process can be had")
        fault.targets.devices = ["wire", "nosuch"]
        expect(
          try await failure(fault, undo: PromiseLog()), says: "device \"nosuch\", which the node has not; it has wire")
        fault.targets.devices = ["wire"]
        let name = ScaffoldName(fault, role: "hole").interface
        try LinkController(in: wire.b).createIFB(name, alias: nil)
        expect(try await failure(fault, undo: PromiseLog()), says: "there is a device of that name")
      }
    }
  }

  @Test(.enabled(if: kernel.has(.netem) && canLimit, "needs netem")) func netemDelaysBothDirectionsByWhatIsAsked()
    async throws
  {
    try await Wire.with { wire in
      let (inward, outward) = (try wire.inward(), try wire.outward(.v6))
      let fault = wire.fault(
        inbound: .init(delay: .init(.milliseconds(60))),
        outbound: .init(
          loss: .everyNth(2), delay: .init(.milliseconds(30), jitter: .milliseconds(10), distribution: .normal)))
      try await wire.holding(fault) { holder in
        let mechanisms = try await fault.compile(for: holder.profile()).mechanisms.map(\.mechanism)
        #expect(mechanisms == [.netem, .swallowAtDeparture, .netem])
        let took = try #require(inward.oneWayNanoseconds())
        #expect((60_000_000...200_000_000).contains(took), "\(took) ns")
        let arrived = outward.send(200, patienceMilliseconds: 1000)
        #expect(arrived.sorted() == (0..<200).filter { $0 % 2 == 0 })
        // A wire between namespaces hands packets over processor by processor, which alone reorders a few now and then.
        #expect(overtakings(arrived) <= 3, "delays vary, but order is kept: \(arrived)")
      }
      let loose = Fault.Delay(
        .milliseconds(30), jitter: .milliseconds(10), distribution: .normal, keepsOrder: false)
      try await wire.holding(wire.fault(outbound: .init(delay: loose))) { _ in
        let arrived = outward.send(200, patienceMilliseconds: 1000)
        #expect(arrived.count == 200 && overtakings(arrived) >= 10, "\(arrived)")
      }
    }
  }

  @Test(.enabled(if: kernel.has(.netem) && canLimit, "needs netem")) func netemDoublesChangesAndReorders() async throws
  {
    try await Wire.with { wire in
      let (inward, outward) = (try wire.inward(), try wire.outward())
      try await wire.holding(wire.fault(inbound: .init(duplicate: .init(0.5)))) { _ in
        let arrived = inward.send(200, patienceMilliseconds: 500).count
        #expect((240...360).contains(arrived), "\(arrived) of 200 datagrams, half of them twice")
      }
      let effect = Fault.Effect(delay: .init(.milliseconds(20)), reorder: .init(0.25))
      try await wire.holding(wire.fault(outbound: effect)) { _ in
        let arrived = outward.send(200, patienceMilliseconds: 500)
        #expect(arrived.count == 200 && arrived != arrived.sorted())
      }
      try await wire.holding(wire.fault(inbound: .init(corrupt: .init(1)))) { _ in
        #expect(inward.send(50) != Array(0..<50), "changed, or thrown away for a wrong checksum")
      }
    }
  }
}

/// How often a number is smaller than the one before it.
private func overtakings(_ numbers: [UInt32]) -> Int { zip(numbers, numbers.dropFirst()).count { $0 > $1 } }
