import Foundation
import Glibc
import Netlink
import Testing

@Suite(.enabled(if: isRoot, "needs root for namespaces")) struct NetworkNamespaceTests {
  @Test func aNamespaceIsMadeEnteredListedAndDeleted() throws {
    let name = uniqueName()
    let here = try NetworkNamespace.current().identity
    let made = try NetworkNamespace.create(named: name)
    defer { try? NetworkNamespace.delete(named: name) }
    #expect(made.identity != here)
    #expect(try NetworkNamespace.names().contains(name))
    #expect(try NetworkNamespace.open(named: name).identity == made.identity)
    #expect(try made.run { try NetworkNamespace.current().identity } == made.identity)
    #expect(try NetworkNamespace.current().identity == here, "the caller's thread stays where it was")
    #expect(fcntl(made.fileDescriptor, F_GETFD) & FD_CLOEXEC != 0)
    let loopback = try LinkController(in: made).links()
    #expect(loopback.map(\.name) == ["lo"])
    #expect(loopback.allSatisfy { $0.isUp })
    try NetworkNamespace.delete(named: name)
    #expect(try !NetworkNamespace.exists(named: name))
    try NetworkNamespace.delete(named: name)
    #expect(try made.run { 7 } == 7, "an open namespace lives on without its name")
  }

  /// iproute2 mounts the directory over itself when nobody has: names below that mount could not be removed.
  @Test func theDirectoryIsASharedMountBeforeAnyNameStandsInIt() throws {
    try withNamespaces { _ in
      let mounts = try String(contentsOfFile: "/proc/self/mountinfo", encoding: .utf8).split(separator: "\n")
      let ours = mounts.filter { $0.split(separator: " ")[4] == NetworkNamespace.directory }
      #expect(ours.count == 1, "one, and not another for each name")
      #expect(ours.allSatisfy { $0.contains(" shared:") })
    }
  }

  @Test func theNamespaceOfAProcessIsItsOwn() throws {
    #expect(try NetworkNamespace.open(pid: getpid()).identity == NetworkNamespace.current().identity)
    let failure = #expect(throws: NetlinkError.self) { try NetworkNamespace.open(pid: 0x7FFF_FFF0) }
    #expect(failure?.errno == ENOENT)
  }

  @Test func errorsOfTheBodyArriveAtTheCaller() throws {
    struct Mine: Error {}
    try withNamespaces { made in
      #expect(throws: Mine.self) { try made[0].run { throw Mine() } }
      let nothing: Int? = try made[0].run { nil }
      #expect(nothing == nil)
    }
  }

  @Test func aTakenNameIsRefusedAndTheFirstOneStays() throws {
    try withNamespaces { made in
      let name = try #require(made[0].name)
      let failure = #expect(throws: NetlinkError.self) { try NetworkNamespace.create(named: name) }
      #expect(failure?.errno == EEXIST)
      #expect(failure?.object == .namespace(name))
      #expect(try NetworkNamespace.open(named: name).identity == made[0].identity)
    }
  }

  /// A maker that is killed between the file and the mount leaves a plain file.
  @Test func aHalfMadeNamespaceIsNamedAsSuchAndCanBeDeleted() throws {
    try withNamespaces { _ in
      let name = uniqueName()
      close(open("\(NetworkNamespace.directory)/\(name)", O_CREAT | O_RDONLY, 0o444))
      #expect(try NetworkNamespace.exists(named: name))
      let failure = #expect(throws: NetlinkError.self) { try NetworkNamespace.open(named: name) }
      #expect(failure?.description.contains("half-way") == true)
      try NetworkNamespace.delete(named: name)
      #expect(try !NetworkNamespace.exists(named: name))
    }
  }

  @Test(arguments: ["", ".", "..", "a/b", "a b", "ü", "x\0y", String(repeating: "x", count: 201)])
  func badNamesAreRefusedBeforeAnythingIsTouched(_ name: String) throws {
    for attempt in [
      { _ = try NetworkNamespace.create(named: name) }, { _ = try NetworkNamespace.open(named: name) },
      { try NetworkNamespace.delete(named: name) },
    ] {
      let failure = #expect(throws: NetlinkError.self) { try attempt() }
      guard case .badName = failure?.reason else {
        Issue.record("\(String(describing: failure))")
        return
      }
    }
  }

  @Test func aNamespaceIsFoundByTheDescriptorThatAProcessHoldsItBy() throws {
    try withNamespaces { made in
      let found = try NetworkNamespace.open(pid: getpid(), descriptor: made[0].fileDescriptor)
      #expect(found.identity == made[0].identity)
      #expect(throws: NetlinkError.self) { try NetworkNamespace.open(pid: getpid(), descriptor: 100_000) }
      let other = open("/dev/null", O_RDONLY | O_CLOEXEC)
      defer { close(other) }
      let failure = #expect(throws: NetlinkError.self) { try NetworkNamespace.open(pid: getpid(), descriptor: other) }
      #expect(failure?.description.contains("no namespace") == true)
    }
  }
}
