import Glibc
import Netlink
import Testing

@Suite(.enabled(if: isRoot, "needs root for namespaces")) struct LinkControllerTests {
  @Test func aBridgedNetworkOfThreeNamespacesIsBuiltAndListed() throws {
    try withNamespaces(3) { made in
      let hub = try LinkController(in: made[0])
      let leaf = try LinkController(in: made[1])
      try hub.createBridge("wan")
      try hub.setUp("wan")
      try hub.createVeth("p1", peer: "uplink", in: made[1])
      try hub.setMaster(of: "p1", to: "wan")
      try hub.setUp("p1")
      try leaf.setUp("uplink")
      try leaf.addAddress(#require(IPPrefix("10.9.1.1/16")), to: "uplink")
      try leaf.addAddress(#require(IPPrefix("fd09::1/64")), to: "uplink")
      try leaf.addDefaultRoute(via: #require(IPAddress("10.9.0.254")))
      try leaf.addDefaultRoute(via: #require(IPAddress("fd09::254")))
      try leaf.addRoute(to: #require(IPPrefix("10.7.0.0/16")), link: "uplink")

      let hubLinks = try hub.links()
      let bridge = try #require(hubLinks.first { $0.name == "wan" })
      let port = try #require(hubLinks.first { $0.name == "p1" })
      #expect(bridge.kind == "bridge" && bridge.isUp)
      #expect(port.kind == "veth" && port.isUp && port.master == bridge.index)
      #expect(try hub.index(of: "wan") == bridge.index)

      let uplink = try #require(try leaf.links().first { $0.name == "uplink" })
      let addresses = try leaf.addresses().filter { $0.link == uplink.index }
      #expect(addresses.contains { $0.prefix.description == "10.9.1.1/16" })
      let v6 = try #require(addresses.first { $0.prefix.description == "fd09::1/64" })
      #expect(v6.flags & 0x40 == 0, "not tentative: usable at once")

      let main = try leaf.routes().filter { $0.table == 254 }
      #expect(main.contains { $0.destination.description == "0.0.0.0/0" && $0.gateway?.description == "10.9.0.254" })
      #expect(main.contains { $0.destination.description == "::/0" && $0.gateway?.description == "fd09::254" })
      #expect(main.contains { $0.destination.description == "10.7.0.0/16" && $0.gateway == nil })

      try hub.deleteLink("p1")
      #expect(try leaf.links().map(\.name) == ["lo"], "the other end goes with it")
    }
  }

  @Test func anIFBCarriesItsAliasOrIsNotMade() throws {
    try withNamespaces { made in
      let links = try LinkController(in: made[0])
      try links.createIFB("block", alias: "run one, fault two")
      let block = try #require(try links.link(named: "block"))
      #expect(block.kind == "ifb" && !block.isUp && block.alias == "run one, fault two")
      try links.setUp("block")
      #expect(try links.addresses().filter { $0.link == block.index } == [], "no link-local address, so no traffic")
      try links.createIFB("plain")
      #expect(try links.link(named: "plain")?.alias == nil)
      #expect(try links.link(named: "lo")?.kind == nil && links.link(named: "other") == nil)
      let taken = #expect(throws: NetlinkError.self) { try links.createIFB("block", alias: "mine") }
      #expect(taken?.errno == EEXIST)
      #expect(try links.link(named: "block")?.alias == "run one, fault two", "the one that was there is as it was")
      #expect(throws: NetlinkError.self) {
        try links.createIFB("wordy", alias: String(repeating: "x", count: 300))  // IFALIASZ is 256
      }
      #expect(try links.link(named: "wordy") == nil)
    }
  }

  @Test func refusalsNameTheObjectTheNamespaceAndTheErrno() throws {
    try withNamespaces { made in
      let links = try LinkController(in: made[0])
      try links.createBridge("x")
      let taken = #expect(throws: NetlinkError.self) { try links.createBridge("x") }
      #expect(taken?.errno == EEXIST)
      #expect(taken?.object == .link("x"))
      #expect(taken?.namespace == made[0].name)
      let missing = #expect(throws: NetlinkError.self) { try links.setUp("nothere") }
      #expect(missing?.errno == ENODEV)
      #expect(missing?.description.contains("link \"nothere\" in namespace") == true)
      let notBridge = #expect(throws: NetlinkError.self) { try links.setMaster(of: "x", to: "lo") }
      #expect(notBridge?.errno != nil)
      let route = #expect(throws: NetlinkError.self) {
        try links.addDefaultRoute(via: #require(IPAddress("10.1.1.1")))
      }
      #expect(route?.errno == ENETUNREACH)
      #expect(route?.kernelText == "Nexthop has invalid gateway")
      #expect(route?.object == .route("0.0.0.0/0"))
    }
  }

  @Test(arguments: ["", "sixteen-bytes-xx", "a/b", "a b", "a:b", ".."])
  func badLinkNamesAreRefused(_ name: String) throws {
    try withNamespaces { made in
      let links = try LinkController(in: made[0])
      let failure = #expect(throws: NetlinkError.self) { try links.createBridge(name) }
      guard case .badName = failure?.reason else {
        Issue.record("\(String(describing: failure))")
        return
      }
    }
  }

  @Test func aVethWithATakenPeerNameChangesNothing() throws {
    try withNamespaces(2) { made in
      let here = try LinkController(in: made[0])
      let there = try LinkController(in: made[1])
      try there.createBridge("uplink")
      let failure = #expect(throws: NetlinkError.self) { try here.createVeth("p", peer: "uplink", in: made[1]) }
      #expect(failure?.errno == EEXIST)
      #expect(try here.links().map(\.name) == ["lo"])
    }
  }

  @Test func aClosedSocketSaysSo() throws {
    try withNamespaces { made in
      let links = try LinkController(in: made[0])
      links.close()
      links.close()
      let failure = #expect(throws: NetlinkError.self) { try links.links() }
      #expect(failure?.reason == .closed)
    }
  }

  @Test func fiftyThreadsShareOneController() async throws {
    let name = uniqueName()
    let made = try NetworkNamespace.create(named: name)
    defer { try? NetworkNamespace.delete(named: name) }
    let links = try LinkController(in: made)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<50 {
        group.addTask {
          try links.createBridge("b\(number)")
          try links.setUp("b\(number)")
        }
      }
      try await group.waitForAll()
    }
    #expect(try links.links().count == 51)
    #expect(try links.links().allSatisfy { $0.isUp })
  }
}
