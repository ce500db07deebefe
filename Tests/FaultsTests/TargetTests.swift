import Glibc
import Netlink
import Support
import Testing

@testable import Faults

private let canSwallow = [KernelFeatures.Feature.egressHook, .forward, .ifb].allSatisfy(kernel.has)

/// Whose packets a fault means, kind by kind: what is named is hit, and what lies next to it is not.
@Suite(.enabled(if: isRoot, "needs root for namespaces"), .serialized) struct TargetTests {
  /// A port is meant wherever it stands; a packet that has two of them is counted once.
  @Test func portsAtEitherEndAreMeantAtBoth() async throws {
    try await Wire.with { wire in
      let (one, two, other) = (try wire.inward(), try wire.inward(), try wire.inward(.v6))
      var targets = Fault.Targets(peers: wire.addressesA)
      targets.eitherPorts = [
        PortRange(one.sender.port), PortRange(one.receiver.port), PortRange(two.receiver.port),
      ].sorted()
      try await wire.holding(wire.fault(inbound: .drop, targets: targets)) { holder in
        #expect(!one.passes() && !two.passes())
        #expect(other.passes())
        let stopped = try await holder.counters(of: "f").v4?.packets
        #expect(stopped == 6)
      }
      targets.eitherPorts = [PortRange(two.sender.port)]
      try await wire.holding(wire.fault(inbound: .drop, targets: targets)) { _ in
        #expect(one.passes() && !two.passes() && other.passes())
      }
      targets.protocols = [.tcp]
      try await wire.holding(wire.fault(inbound: .drop, targets: targets)) { _ in #expect(two.passes()) }
    }
  }

  /// Chance is drawn in one place, whichever of the two ways a packet is meant by.
  @Test func aPatternCountsPacketsOfEitherPortTogether() async throws {
    try await Wire.with { wire in
      let traffic = try wire.inward()
      var targets = Fault.Targets(peers: wire.addressesA)
      targets.eitherPorts = [PortRange(traffic.sender.port)]
      try await wire.holding(wire.fault(inbound: .init(loss: .everyNth(3)), targets: targets)) { _ in
        #expect(traffic.send(9) == [0, 1, 3, 4, 6, 7])
      }
    }
  }

  @Test(.enabled(if: kernel.has(.socketControlGroup) && cgroupRoot != nil, "needs nft's socket cgroupv2"))
  func whatComesToSocketsOfTheGroupIsDroppedAndNothingElse() async throws {
    try await Wire.with { wire in
      try await withCgroup { path in
        let port = try Listener(wire.addressesA[0], in: wire.a)
        let root = try #require(cgroupRoot)
        var targets = Fault.Targets(peers: wire.addressesA)
        targets.owner = SocketOwner(cgroup: String(path.dropFirst(root.count)))
        try await wire.holding(wire.fault(inbound: .drop, targets: targets)) { holder in
          let (member, stranger) = (
            try connects(in: wire.b, to: wire.addressesA[0], port.port, group: path),
            try connects(in: wire.b, to: wire.addressesA[0], port.port)
          )
          #expect(!member && stranger)
          let stopped = try await holder.counters(of: "f").inbound?.v4?.stopped?.packets ?? 0
          #expect(stopped > 0)
        }
        let afterwards = try connects(in: wire.b, to: wire.addressesA[0], port.port, group: path)
        #expect(afterwards)
      }
    }
  }

  @Test(.enabled(if: canSwallow && kernel.has(.socketUser), "needs meta skuid"), arguments: ["nobody", "65534"])
  func aUserIsKnownByNameOrNumberOnTheNode(_ user: String) async throws {
    let number = try SocketOwner.number(ofUser: "nobody")
    try #require(user == "nobody" || user == "\(number)", "nobody is \(number) here")
    try await Wire.with { wire in
      let ear = try DatagramSocket(wire.addressesA[0], in: wire.a)
      func isHeard(_ user: UInt32) throws -> Bool {
        try say(in: wire.b, to: "\(wire.addressesA[0])", ear.port, user: user)
        return ear.receive() != nil
      }
      var targets = Fault.Targets(peers: wire.addressesA)
      targets.owner = SocketOwner(user: user)
      let holder = try FaultHolder(node: "b", namespace: wire.b, undo: PromiseLog(), features: kernel) { _ in }
      let before = try await holder.snapshot()
      let receipt = try await holder.arm(wire.fault(outbound: .drop, targets: targets))
      #expect(receipt.owners == (user == "nobody" ? ["user nobody is \(number)"] : []))
      let (meant, other) = (try isHeard(number), try isHeard(34_568))
      #expect(!meant && other)
      _ = try await holder.disarm("f")
      expectNothing(try await holder.snapshot().difference(from: before))
      await holder.close()
    }
  }

  @Test(arguments: [
    (SocketOwner(user: "no-such-user-here"), "no-such-user-here"),
    (SocketOwner(cgroup: "/no-such.slice"), "no-such.slice"),
  ]) func anOwnerThatTheNodeDoesNotKnowIsRefused(owner: SocketOwner, name: String) async throws {
    try await Wire.with { wire in
      var targets = Fault.Targets(peers: wire.addressesA)
      targets.owner = owner
      let holder = try FaultHolder(node: "b", namespace: wire.b, undo: PromiseLog(), features: kernel) { _ in }
      let before = try await holder.snapshot()
      let failure = await #expect(throws: FaultError.self) {
        try await holder.arm(wire.fault(outbound: .drop, targets: targets))
      }
      let text = failure?.description ?? ""
      #expect(
        text.contains("is not known here") && text.contains(name) && text.hasSuffix("nothing was changed"), "\(text)")
      expectNothing(try await holder.snapshot().difference(from: before))
      await holder.close()
    }
  }

  /// A network that covers the node itself: both directions to the peer are gone, and the node's own talk goes on.
  @Test(.enabled(if: canSwallow, "needs the egress hook, fwd and ifb"))
  func aNetworkIsCutOnTheNodeAloneAndItsInsideLives() async throws {
    try await Wire.with { wire in
      let (inward, outward, six) = (try wire.inward(), try wire.outward(), try wire.outward(.v6))
      let inside = try Traffic(from: wire.addressesB[0], in: wire.b, to: wire.addressesB[0], in: wire.b)
      let (a, b) = (
        Disturbance.Node("a", addresses: wire.addressesA), Disturbance.Node("b", addresses: wire.addressesB)
      )
      var disturbance = Disturbance([b], and: [], inbound: .drop, outbound: .drop)
      disturbance.networks = [try #require(IPPrefix("10.0.0.0/8"))]
      disturbance.inside = [b]
      let faults = disturbance.faults(id: "f", run: "wire", timing: .init(lease: .seconds(30)))
      #expect(faults.map(\.node) == ["b"])
      try await wire.holding(try #require(faults.first)) { _ in
        #expect(!inward.passes() && !outward.passes())
        #expect(six.passes() && inside.passes())
      }
      disturbance.exceptAddresses = a.addresses
      try await wire.holding(
        try #require(disturbance.faults(id: "f", run: "wire", timing: .init(lease: .seconds(30))).first)
      ) { _ in #expect(inward.passes() && outward.passes()) }
    }
  }
}

/// Whether another program, in `group` or not, can connect to a TCP port.
private func connects(
  in namespace: NetworkNamespace, to address: IPAddress, _ port: UInt16, group: String? = nil
) throws -> Bool {
  let join = group.map { "echo $$ > \($0)/cgroup.procs; " } ?? ""
  var request = ProcessRequest(
    "/bin/bash", ["-c", "\(join)exec timeout 1 bash -c 'exec 3<>/dev/tcp/\(address)/\(port)'"])
  request.networkNamespace = namespace.fileDescriptor
  let child = try ChildProcess(request)
  for _ in 0..<1000 where child.end == nil { usleep(5000) }
  return child.end == .exited(0)
}
