import Glibc
import Netlink
import Support
import Testing

@testable import Faults

@Suite struct ResolvedNameTests {
  private let one = IPAddress.v4(1)
  private let two = IPAddress.v4(2)
  private let six = IPAddress.v6(0, 6)

  @Test func theLifeIsTheShortestWithinItsBounds() {
    func life(_ seconds: Int64...) -> Int64 { ResolvedName("n", [one], timesToLive: seconds).lifeMilliseconds }
    #expect(life(60, 20, 90) == 20_000)
    #expect(life(0) == 1000)
    #expect(life() == 1000)
    #expect(life(86_400) == 300_000)
    #expect(life(-5, 10) == 1000)
  }

  @Test func addressesAreSortedAndEachOnce() {
    #expect(ResolvedName("n", [six, two, one, two], timesToLive: [1]).addresses == [one, two, six])
  }

  @Test func changesAreWhatCameAndWhatWent() {
    let before = ResolvedName("n", [one, six], timesToLive: [1])
    let after = ResolvedName("n", [one, two], timesToLive: [1])
    #expect(after.change(since: before) == NameChange(name: "n", added: [two], removed: [six]))
    #expect(after.change(since: nil) == NameChange(name: "n", added: [one, two], removed: []))
    #expect(after.change(since: after).isEmpty)
    // A family that did not answer has lost nothing.
    let half = ResolvedName("n", [two], timesToLive: [1], unanswered: [.v6: "timeout"])
    #expect(half.change(since: before) == NameChange(name: "n", added: [two], removed: [one]))
  }

  @Test func whatCannotBeANameIsRefused() {
    let long = String(repeating: "a", count: 63)
    for name in ["a", "a.b", "a.b.", "db-1.example", "_srv.x", long, "10.0.0.1"] {
      #expect(NameQuery.isPossible(name), "\(name)")
    }
    let bad = ["", ".", "a..b", ".a", "a b", "a\0b", "ü.example", long + "a", "\(long).\(long).\(long).\(long).aaa"]
    for name in bad { #expect(!NameQuery.isPossible(name), "\(name)") }
  }
}

@Suite(.serialized, .enabled(if: isRoot, "namespaces need root")) struct NameResolverTests {
  private func withServer<R: Sendable>(
    at address: IPAddress = .v4(0x7F00_0001), patience: Duration = .seconds(5), tries: Int = 2,
    _ body: @escaping @Sendable (TinyNameServer, NameResolver) async throws -> R
  ) async throws -> R {
    let name = "bst-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
    let namespace = try NetworkNamespace.create(named: name)
    defer { try? NetworkNamespace.delete(named: name) }
    return try await TinyNameServer.with(in: namespace, at: address) { server in
      let resolver = try NameResolver(
        in: namespace, options: .init(servers: server.place, patience: patience, tries: tries, limit: .seconds(20)))
      return try await body(server, resolver)
    }
  }

  @Test(arguments: [IPAddress.v4(0x7F00_0001), .v6(0, 1)])
  func bothFamiliesAreFoundOverEither(_ address: IPAddress) async throws {
    try await withServer(at: address) { server, resolver in
      server["db.test"] = .init(addresses: [.v4(0x0A00_0002), .v4(0x0A00_0001), .v6(0xFD00 << 48, 1)], timeToLive: 30)
      let found = try await resolver.resolve("db.test")
      #expect(found.addresses == [.v4(0x0A00_0001), .v4(0x0A00_0002), .v6(0xFD00 << 48, 1)])
      #expect(found.lifeMilliseconds == 30_000 && found.unanswered.isEmpty && found.name == "db.test")
    }
  }

  @Test func oneFamilyAloneIsAWholeAnswer() async throws {
    try await withServer { server, resolver in
      server["six.test"] = .init(addresses: [.v6(0xFD00 << 48, 1)])
      let found = try await resolver.resolve("six.test")
      #expect(found.addresses == [.v6(0xFD00 << 48, 1)] && found.unanswered.isEmpty)
    }
  }

  @Test func aNameThatIsNotThereIsAnAnswerAndNotAFailure() async throws {
    try await withServer { server, resolver in
      await #expect(throws: ResolverError.unknown("no.test")) { try await resolver.resolve("no.test") }
      server["empty.test"] = .init(addresses: [])
      await #expect(throws: ResolverError.unknown("empty.test")) { try await resolver.resolve("empty.test") }
      await #expect(throws: ResolverError.badName("a b")) { try await resolver.resolve("a b") }
    }
  }

  @Test func aTruncatedAnswerIsAskedForAgainOverTCP() async throws {
    try await withServer { server, resolver in
      let many = (1...100).map { IPAddress.v4(0x0A00_0000 + $0) }
      server["many.test"] = .init(addresses: many, timeToLive: 5, truncates: true)
      let found = try await resolver.resolve("many.test")
      #expect(found.addresses == many && found.lifeMilliseconds == 5000)
      #expect(server.questions.contains(.init(name: "many.test", family: .v4, isStream: true)))
    }
  }

  @Test func theLifeIsThatOfTheShortestLinkOfAChain() async throws {
    try await withServer { server, resolver in
      server["www.test"] = .init(
        addresses: [.v4(0x0A00_0001)], timeToLive: 200, alias: (name: "edge.test", timeToLive: 7))
      let found = try await resolver.resolve("www.test")
      #expect(found.addresses == [.v4(0x0A00_0001)] && found.lifeMilliseconds == 7000)
    }
  }

  @Test func eachAnswerIsFreshAndItsChangeIsSeen() async throws {
    try await withServer { server, resolver in
      server["db.test"] = .init(addresses: [.v4(1), .v4(2)], timeToLive: 30)
      let before = try await resolver.resolve("db.test")
      server["db.test"] = .init(addresses: [.v4(2), .v4(3)], timeToLive: 2)
      let after = try await resolver.resolve("db.test")
      #expect(after.lifeMilliseconds == 2000)
      #expect(after.change(since: before) == NameChange(name: "db.test", added: [.v4(3)], removed: [.v4(1)]))
    }
  }

  @Test func aFamilyWithoutAnswerIsNamed() async throws {
    try await withServer(patience: .seconds(1), tries: 1) { server, resolver in
      server["half.test"] = .init(addresses: [.v4(1)], silent: [.v6])
      let found = try await resolver.resolve("half.test")
      #expect(found.addresses == [.v4(1)])
      #expect(found.unanswered.keys.sorted { $0.rawValue < $1.rawValue } == [.v6])
      #expect(found.unanswered[.v6]?.contains("imeout") == true)
    }
  }

  @Test func aServerThatCannotOrDoesNotAnswerIsAFailure() async throws {
    try await withServer(patience: .seconds(1), tries: 1) { server, resolver in
      server["sick.test"] = .init(code: 2)
      let sick = await #expect(throws: ResolverError.self) { try await resolver.resolve("sick.test") }
      guard case .unanswered("sick.test", _)? = sick else {
        Issue.record("\(String(describing: sick))")
        return
      }
      server["mute.test"] = .init(addresses: [.v4(1)], silent: [.v4, .v6])
      let mute = await #expect(throws: ResolverError.self) { try await resolver.resolve("mute.test") }
      #expect(mute?.description.contains("mute.test") == true)
    }
  }

  @Test func noNameTakesLongerThanTheLimit() async throws {
    let name = "bst-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
    let namespace = try NetworkNamespace.create(named: name)
    defer { try? NetworkNamespace.delete(named: name) }
    // Nobody listens at an address that swallows everything.
    let links = try LinkController(in: namespace)
    try links.createBridge("void")
    try links.addAddress(try #require(IPPrefix("10.9.9.1/24")), to: "void")
    try links.setUp("void")
    let resolver = try NameResolver(
      in: namespace, options: .init(servers: "10.9.9.9", patience: .seconds(60), tries: 5, limit: .milliseconds(200)))
    let start = Timebase.system.monotonic()
    await #expect(throws: ResolverError.self) { try await resolver.resolve("db.test") }
    #expect(Timebase.system.monotonic() - start < 5_000_000_000)
  }

  @Test func hostsAndPlainAddressesNeedNoServer() async throws {
    try await withServer { server, resolver in
      let plain = try await resolver.resolve("10.1.2.3")
      #expect(plain.addresses == [.v4(0x0A01_0203)] && plain.lifeMilliseconds == 300_000)
      let six = try await resolver.resolve("fd00::1")
      #expect(six.addresses == [.v6(0xFD00 << 48, 1)])
      let local = try await resolver.resolve("localhost")
      #expect(local.addresses.contains(.v4(0x7F00_0001)))
      #expect(server.questions.isEmpty)
    }
  }

  @Test func serversThatAreNoneAreRefused() async throws {
    let resolver = try NameResolver(options: .init(servers: "not an address"))
    let failure = await #expect(throws: ResolverError.self) { try await resolver.resolve("db.test") }
    #expect(failure?.description.contains("not an address") == true)
  }
}
