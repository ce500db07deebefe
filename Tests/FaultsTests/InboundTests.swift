import Glibc
import Netlink
import Support
import Testing

@testable import Faults

/// One of each way to draw; a guest in emulation, where drawing takes seconds, shows that its kernel counts alike by one.
private let drawnLosses: [Fault.Loss] = {
  let all: [Fault.Loss] = [
    .pattern(probability: 0.1), .pattern(probability: 0.2, correlation: 0.5),
    .random(probability: 0.2, correlation: 0.5), .bursts(.init(toBad: 0.02, toGood: 0.2)),
  ]
  return getenv("BLACKSTART_GUEST") == nil ? all : Array(all.prefix(1))
}()

/// What happens to packets that arrive, and to which.
@Suite(.enabled(if: isRoot, "needs root for namespaces"), .serialized) struct InboundTests {
  @Test(arguments: IPAddress.Family.allCases)
  func everyNthPacketIsLostExactly(_ family: IPAddress.Family) async throws {
    try await Wire.with { wire in
      let traffic = try wire.inward(family)
      try await wire.holding(wire.fault(inbound: .init(loss: .everyNth(5)))) { holder in
        let arrived = traffic.send(1000)
        #expect(arrived == (0..<1000).filter { $0 % 5 != 4 })
        let tally = try await holder.counters(of: "f").inbound
        let side = family == .v4 ? tally?.v4 : tally?.v6
        #expect(side?.drawn?.packets == 1000 && side?.stopped?.packets == 200)
      }
      #expect(traffic.send(100).count == 100)
    }
  }

  /// Two runs on two wires lose the packets that the seed says, and no other.
  @Test(arguments: drawnLosses)
  func aDrawnPatternIsTheSameInEveryRun(_ loss: Fault.Loss) async throws {
    let predicted = try #require(loss.lostPackets(seed: 7, part: "inbound loss"))
    let lost = Set(predicted)
    for _ in 0..<2 {
      try await Wire.with { wire in
        let traffic = try wire.inward()
        try await wire.holding(wire.fault(inbound: .init(loss: loss), seed: 7)) { _ in
          #expect(traffic.send(3000) == (0..<3000).filter { !lost.contains($0) })
        }
      }
    }
  }

  @Test func randomLossIsBinomial() async throws {
    try await Wire.with { wire in
      let traffic = try wire.inward()
      try await wire.holding(wire.fault(inbound: .init(loss: .random(probability: 0.2)))) { holder in
        let arrived = traffic.send(5000).count
        // 99.99 % of all runs lie within 3.9 deviations of √(5000 · 0.2 · 0.8) = 28.3.
        #expect(abs(arrived - 4000) < 111, "\(arrived) of 5000 arrived")
        let tally = try await holder.counters(of: "f").inbound?.v4
        #expect(tally?.stopped?.packets == UInt64(5000 - arrived))
      }
    }
  }

  @Test func lossOfEverythingIsACutAndOfOneDirectionOnlyThat() async throws {
    try await Wire.with { wire in
      let (inward, outward) = (try wire.inward(), try wire.outward())
      let fault = wire.fault(
        inbound: .init(loss: .random(probability: 1)), outbound: .init(loss: .everyNth(2)))
      try await wire.holding(fault) { _ in
        #expect(inward.send(100) == [])
        #expect(outward.send(100) == (0..<100).filter { $0 % 2 == 0 })
      }
    }
  }

  @Test func silenceAndRefusalsShowTheirSenderDifferentThings() async throws {
    try await Wire.with { wire in
      let port = try Listener(wire.addressesB[0], in: wire.b)
      func answer(_ refusal: Fault.Refusal) async throws -> Int32? {
        try await wire.holding(wire.fault(inbound: .init(cut: refusal))) { _ in
          port.connectError(from: wire.a, withinMilliseconds: 400)
        }
      }
      #expect(port.connectError(from: wire.a, withinMilliseconds: 2000) == 0)
      var answers: [Int32?] = []
      answers.append(try await answer(.silence))
      answers.append(try await answer(.tcpReset))
      answers.append(try await answer(.icmp(.portUnreachable)))
      answers.append(try await answer(.icmp(.hostUnreachable)))
      #expect(answers == [nil, ECONNREFUSED, ECONNREFUSED, EHOSTUNREACH])
      #expect(port.connectError(from: wire.a, withinMilliseconds: 2000) == 0)
    }
  }

  @Test func aConnectionThatIsResetIsBrokenAtOnce() async throws {
    try await Wire.with { wire in
      let stream = try Stream(from: wire.a, to: wire.b, at: wire.addressesB[0])
      #expect(stream.passes("one", withinMilliseconds: 1000))
      try await wire.holding(wire.fault(inbound: .init(cut: .tcpReset))) { _ in
        #expect(!stream.passes("two", withinMilliseconds: 100))
        #expect(stream.senderError == ECONNRESET)
      }
    }
  }

  @Test func onlyThePortsAndProtocolsThatAreMeantAreCut() async throws {
    try await Wire.with { wire in
      let (meant, other) = (try wire.inward(), try wire.inward())
      var targets = Fault.Targets(peers: wire.addressesA, protocols: [.udp])
      targets.localPorts = [PortRange(meant.receiver.port)]
      try await wire.holding(wire.fault(inbound: .drop, targets: targets)) { _ in
        #expect(!meant.passes())
        #expect(other.passes())
      }
      targets.localPorts = []
      targets.remotePorts = [PortRange(1, 2), PortRange(meant.sender.port, meant.sender.port)]
      try await wire.holding(wire.fault(inbound: .drop, targets: targets)) { _ in
        #expect(!meant.passes())
        #expect(other.passes())
      }
      targets.protocols = [.tcp]
      try await wire.holding(wire.fault(inbound: .drop, targets: targets)) { _ in #expect(meant.passes()) }
      targets = Fault.Targets(protocols: [.udp])
      try await wire.holding(wire.fault(inbound: .drop, targets: targets)) { _ in
        #expect(!meant.passes() && !other.passes(), "no peer was named, so any is meant")
      }
    }
  }

  @Test func networksMayOverlapAndNameBothFamilies() async throws {
    try await Wire.with { wire in
      let networks = try ["10.77.0.0/24", "10.0.0.0/8", "10.77.0.1/32", "fd77::/64", "fd00::/8"].map {
        try #require(IPPrefix($0))
      }
      let (four, six) = (try wire.inward(.v4), try wire.inward(.v6))
      let fault = wire.fault(inbound: .drop, targets: .init(peers: [.v4(0x0102_0304)], networks: networks))
      try await wire.holding(fault) { holder in
        #expect(!four.passes() && !six.passes())
        let counters = try await holder.counters(of: "f")
        #expect(counters.v4?.packets == 3 && counters.v6?.packets == 3)
      }
      let elsewhere = try wire.fault(
        inbound: .drop, targets: .init(networks: [#require(IPPrefix("10.78.0.0/16")), #require(IPPrefix("fd78::/16"))]))
      try await wire.holding(elsewhere) { _ in #expect(four.passes() && six.passes()) }
    }
  }

  @Test func exceptionsAndTheControlChannelPass() async throws {
    try await Wire.with { wire in
      let (four, six, port) = (try wire.inward(.v4), try wire.inward(.v6), try wire.inward(.v4))
      let all = [IPPrefix.everything(.v4), .everything(.v6)]
      var targets = Fault.Targets(networks: all, exempt: [wire.addressesA[1]])
      targets.except.remotePorts = [PortRange(port.sender.port)]
      try await wire.holding(wire.fault(inbound: .drop, targets: targets)) { _ in
        #expect(!four.passes())
        #expect(six.passes(), "the control channel, though a network covers it")
        #expect(port.passes())
      }
      targets = Fault.Targets(networks: all)
      targets.except.networks = [try #require(IPPrefix("10.77.0.0/30"))]
      targets.except.peers = [wire.addressesA[1]]
      try await wire.holding(wire.fault(inbound: .drop, targets: targets)) { _ in
        #expect(four.passes() && six.passes())
      }
    }
  }

  @Test func aFlappingFaultComesAndGoesAndTellsItsTurns() async throws {
    try await Wire.with { wire in
      let log = EventLog()
      let traffic = try wire.inward()
      let timing = Fault.Timing(
        lease: .seconds(60), heartbeat: .milliseconds(100),
        flapping: .init(on: .milliseconds(400), off: .milliseconds(400)))
      let start = Timebase.system.monotonic()
      var passed: [(at: Int64, did: Bool)] = []
      try await wire.holding(wire.fault(inbound: .drop, timing: timing), report: log.add) { _ in
        while Timebase.system.monotonic() - start < 2_200_000_000 {
          let at = Timebase.system.monotonic()
          let did = !traffic.send(1, patienceMilliseconds: 5).isEmpty
          passed.append((at, did))
          usleep(10_000)
        }
      }
      let turns = log.all.compactMap { event -> ClosedRange<Int64>? in
        if case .turn(let from, let until) = event.kind { return from...until }
        return nil
      }
      #expect(turns.count >= 2, "\(turns)")
      for turn in turns {
        #expect(passed.allSatisfy { !$0.did || !turn.contains($0.at) }, "a packet passed within \(turn)")
      }
      for (turn, next) in zip(turns, turns.dropFirst()) {
        let gap = (turn.upperBound + 50_000_000)..<(next.lowerBound - 50_000_000)
        #expect(passed.contains { gap.contains($0.at) && $0.did }, "nothing passed between the turns")
      }
      #expect(log.outcomes.map(\.end) == [.disarmed])
    }
  }

  @Test(.enabled(if: kernel.has(.socketControlGroup) && cgroupRoot != nil, "needs nft's socket cgroupv2"))
  func onlySocketsOfTheGroupAreCut() async throws {
    try await Wire.with { wire in
      try await withCgroup { path in
        let group = try CgroupID(path: path)
        let (ours, outward) = (try wire.inward(), try wire.outward())
        let targets = Fault.Targets(peers: wire.addressesA, cgroup: group)
        let text = "\(wire.addressesA[0])"
        func peerHears() throws -> Bool {
          let ear = try DatagramSocket(wire.addressesA[0], in: wire.a)
          try say(in: wire.b, to: text, ear.port, group: path)
          return ear.receive() != nil
        }
        try await wire.holding(wire.fault(outbound: .drop, targets: targets)) { holder in
          let isHeard = try peerHears()
          #expect(!isHeard, "sent by the group")
          #expect(ours.passes(), "inbound is not meant")
          #expect(outward.passes(), "this process is not in the group")
          let stopped = try await holder.counters(of: "f").outbound?.v4?.stopped?.packets
          #expect(stopped == 1)
        }
        let isHeardAfterwards = try peerHears()
        #expect(isHeardAfterwards)
        try await wire.holding(wire.fault(inbound: .drop, targets: targets)) { _ in
          let isHeard = try peerHears()
          #expect(isHeard)
          #expect(ours.passes())
        }
      }
    }
  }
}

/// A TCP port that nobody accepts from.
final class Listener {
  private let descriptor: Int32
  private let address: IPAddress
  private var place = sockaddr_in()

  init(_ address: IPAddress, in namespace: NetworkNamespace) throws {
    guard case .v4(let value) = address else { throw SystemError("listen", "\(address)", number: EAFNOSUPPORT) }
    self.address = address
    descriptor = try namespace.run { socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0) }
    place.sin_family = sa_family_t(AF_INET)
    place.sin_addr.s_addr = value.bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isListening = withUnsafeMutablePointer(to: &place) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
        bind(descriptor, raw, length) == 0 && listen(descriptor, 64) == 0 && getsockname(descriptor, raw, &length) == 0
      }
    }
    guard isListening else { throw SystemError("listen", "\(address)") }
  }

  deinit { close(descriptor) }

  var port: UInt16 { UInt16(bigEndian: place.sin_port) }

  /// How connecting ends: 0, an errno, or `nil` if it has not ended in time.
  func connectError(from namespace: NetworkNamespace, withinMilliseconds limit: Int32) -> Int32? {
    let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
    guard let client = try? namespace.run({ socket(AF_INET, kind, 0) }) else { return errno }
    defer { close(client) }
    let result = withUnsafePointer(to: &place) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(client, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    if result == 0 { return 0 }
    guard errno == EINPROGRESS else { return errno }
    var item = pollfd(fd: client, events: Int16(POLLOUT), revents: 0)
    guard poll(&item, 1, limit) == 1 else { return nil }
    var error: Int32 = 0
    var length = socklen_t(MemoryLayout<Int32>.size)
    getsockopt(client, SOL_SOCKET, SO_ERROR, &error, &length)
    return error
  }
}

/// Where version 2 of control groups is mounted; `nil` if it is not, or cannot be written.
let cgroupRoot: String? = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"].first {
  access("\($0)/cgroup.controllers", F_OK) == 0 && access($0, W_OK) == 0
}

/// Makes a control group for the time of `body`.
func withCgroup<R>(_ body: (String) async throws -> R) async throws -> R {
  let path = try #require(cgroupRoot) + "/bst-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
  guard mkdir(path, 0o755) == 0 else { throw SystemError("mkdir", path) }
  let outcome: Result<R, any Error>
  do { outcome = .success(try await body(path)) } catch { outcome = .failure(error) }
  for _ in 0..<200 where rmdir(path) != 0 && errno == EBUSY { usleep(10_000) }
  return try outcome.get()
}

/// Sends one datagram by another program, which is in `group` or runs as `user`. Returns when it has ended.
func say(
  in namespace: NetworkNamespace, to address: String, _ port: UInt16, group: String? = nil, user: UInt32? = nil
) throws {
  let join = group.map { "echo $$ > \($0)/cgroup.procs; " } ?? ""
  var request = ProcessRequest("/bin/bash", ["-c", "\(join)exec bash -c 'echo word > /dev/udp/\(address)/\(port)'"])
  request.networkNamespace = namespace.fileDescriptor
  if let user { request.user = (user, user) }
  let child = try ChildProcess(request)
  for _ in 0..<400 where child.end == nil { usleep(5000) }
  usleep(20_000)
}
