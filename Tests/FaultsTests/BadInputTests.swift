import Glibc
import Netlink
import Support
import Testing

@testable import Faults

/// What the world gets wrong, and not the caller: each a clear error, and everything as it was.
@Suite(.enabled(if: isRoot, "needs root for namespaces"), .serialized) struct BadInputTests {
  @Test func withoutTheRightToChangeTheNetworkNothingIsHeld() async throws {
    try await Wire.with { wire in
      let before = try NodeSnapshot(of: wire.b)
      // The capability belongs to the thread; those that it starts have what it has.
      let failure = try await onOwnThread("no right") { () -> NetlinkError? in
        try changeNetworkAdministration(isAllowed: false)
        // The threads that are woken afterwards may be born of this one.
        defer { #expect(throws: Never.self) { try changeNetworkAdministration(isAllowed: true) } }
        return #expect(throws: NetlinkError.self) { _ = try FaultHolder(node: "b", namespace: wire.b) { _ in } }
      }
      #expect(failure?.errno == EPERM)
      #expect(failure?.description.contains("CAP_NET_ADMIN") == true, "\(String(describing: failure))")
      expectNothing(try NodeSnapshot(of: wire.b).difference(from: before))
    }
  }

  /// Networks may hold each other and addresses lie in them: the kernel's set of ranges may not overlap, ours do.
  @Test func networksThatHoldEachOtherAreMergedAndAllMeant() async throws {
    try await Wire.with { wire in
      let holder = try FaultHolder(node: "b", namespace: wire.b) { _ in }
      var fault = wire.deaf()
      fault.targets.peers = []
      fault.targets.networks = try ["10.0.0.0/8", "10.77.0.0/16", "10.77.0.0/24", "10.76.0.0/15", "::/0", "fd77::/64"]
        .map {
          try #require(IPPrefix($0))
        }
      fault.targets.peers = wire.addressesA
      _ = try await holder.arm(fault)
      let found = try await wire.probe().measure()
      expectNothing(found.contradictions { from, _ in from == "b" })
      #expect(try await holder.disarm("cut").end == .disarmed)
      await holder.close()
    }
  }

  @Test func aNamespaceThatVanishesFirstIsNamed() async throws {
    let name = "bst-\(getpid())-gone"
    let namespace = try NetworkNamespace.create(named: name)
    try NetworkNamespace.delete(named: name)
    let failure = #expect(throws: NetlinkError.self) { try NetworkNamespace.open(named: name) }
    #expect(failure?.description.contains(name) == true)
    // Whoever has it open can go on: it lives until the last one lets it go.
    let holder = try FaultHolder(node: "b", namespace: namespace) { _ in }
    let fault = Fault(
      id: "f", run: "test", node: "b", inbound: .drop, targets: .init(peers: [.v4(0x0A00_0001)]),
      timing: .init(lease: .seconds(30)))
    _ = try await holder.arm(fault)
    #expect(try await holder.disarm("f").end == .disarmed)
    await holder.close()
  }

  @Test func moreAddressesThanAKernelShouldHoldAreRefusedBeforeAnythingIsDone() {
    let peers = [IPAddress](repeating: .v4(0x0B00_0001), count: Fault.Targets.mostPeers + 1)
    let fault = Fault(
      id: "f", run: "test", node: "b", inbound: .drop, targets: .init(peers: peers), timing: .init(lease: .seconds(30)))
    let failure = #expect(throws: FaultError.self) { try fault.compile() }
    #expect(failure?.description.contains("use networks") == true)
  }
}

/// Takes CAP_NET_ADMIN from the calling thread, and from nobody else, or gives it back.
private func changeNetworkAdministration(isAllowed: Bool) throws {
  var header: [UInt32] = [0x2008_0522, 0]  // _LINUX_CAPABILITY_VERSION_3, this thread
  var sets = [UInt32](repeating: 0, count: 6)  // twice effective, permitted, inheritable
  guard capget(&header, &sets) == 0 else { throw SystemError("capget") }
  sets[0] = isAllowed ? sets[0] | 1 << 12 : sets[0] & ~(1 << 12)
  guard capset(&header, &sets) == 0 else { throw SystemError("capset") }
}

// In the C library, but in a header of libcap.
@_silgen_name("capget") private func capget(
  _ header: UnsafeMutablePointer<UInt32>, _ data: UnsafeMutablePointer<UInt32>
) -> CInt
@_silgen_name("capset") private func capset(
  _ header: UnsafeMutablePointer<UInt32>, _ data: UnsafeMutablePointer<UInt32>
) -> CInt
