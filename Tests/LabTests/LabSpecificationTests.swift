import Netlink
import Support
import Testing

@testable import Lab

@Test func theStandardLabIsPossible() throws {
  let lab = LabSpecification.standard(id: "demo")
  try lab.check()
  #expect(lab.regions.map(\.name) == ["east", "eu", "ap"])
  #expect(lab.regions(with: .store).map(\.name) == ["east", "eu"])
  #expect(lab.regions(with: .quorum).count == 3)
  #expect(try decodeJSON(LabSpecification.self, from: encodeJSON(lab)) == lab)
}

@Test(arguments: ["", "a-b", "Abc", "with space", "0123456789abcdefg", "ä", "../x", "."])
func anIDThatCouldMeanAnotherLabIsRefused(id: String) {
  let error = #expect(throws: Problem.self) { try LabSpecification.standard(id: id).check() }
  #expect(error?.code == .usage)
  #expect(error?.description.contains("nothing was made") == true)
}

@Test func whatCannotBeBuiltIsNamed() {
  func complaint(_ change: (inout LabSpecification) -> Void) -> String {
    var lab = LabSpecification.standard(id: "demo")
    change(&lab)
    do { try lab.check() } catch { return error.what }
    return "none"
  }
  #expect(complaint { $0.regions = [] } == "a lab has 1 to 250 regions, not 0; nothing was made")
  #expect(
    complaint { $0.regions = (0..<251).map { RegionSpecification("r\($0)", []) } }
      == "a lab has 1 to 250 regions, not 251; nothing was made")
  #expect(complaint { $0.regions[1].name = "east" } == "the region name 'east' is taken; nothing was made")
  #expect(complaint { $0.regions[1].name = "wan" } == "the region name 'wan' is taken; nothing was made")
  for name in ["", "eu-west", "EU", "1eu", "_eu", "a123456789012", "e/u"] {
    #expect(complaint { $0.regions[1].name = name } == "'\(name)' cannot name a region; nothing was made")
  }
  #expect(
    complaint { $0.preferredWriter = "ap" }
      == "the preferred writer 'ap' is no region with a store and a control plane; nothing was made")
  #expect(
    complaint { lab in for index in lab.regions.indices { lab.regions[index].roles = [.store, .control] } }
      == "control planes need etcd, and no region has the role quorum; nothing was made")
  #expect(complaint { $0.leaseTTLSeconds = 1 } == "a lease of 1 s is not possible; nothing was made")
  #expect(complaint { $0.ports.store = 70000 } == "port 70000 does not exist; nothing was made")
  #expect(complaint { $0.ports.store = 2379 } == "two servers have the same port; nothing was made")
  #expect(complaint { _ in } == "none")
}

@Test func theAddressPlanReadsTheSameInBothFamilies() {
  #expect("\(AddressPlan.prefix4(1))" == "10.91.1.1/16")
  #expect("\(AddressPlan.prefix6(1))" == "fd00:91::1:1/64")
  #expect("\(AddressPlan.prefix4(250))" == "10.91.250.1/16")
  #expect("\(AddressPlan.prefix6(250))" == "fd00:91::250:1/64")
  #expect(IPPrefix(AddressPlan.network4)?.contains(AddressPlan.prefix4(250).address) == true)
  #expect(IPPrefix(AddressPlan.network6)?.contains(AddressPlan.prefix6(250).address) == true)
}

@Test func aSocketPathThatIsTooLongIsRefusedBeforehand() {
  let long = LabPaths(stateDirectory: "/" + String(repeating: "x", count: 90), id: "demo")
  let error = #expect(throws: Problem.self) { try long.check(.standard(id: "demo")) }
  #expect(error?.fix == "use a shorter state directory")
  #expect(throws: Never.self) { try LabPaths(stateDirectory: "/s", id: "demo").check(.standard(id: "demo")) }
}

@Test func undoEntriesSurviveTheirJournal() throws {
  let name = ServerName(region: "east", kind: .controlPlane)
  let entries: [UndoEntry] = [
    .begin(boot: "b"), .namespace("bs-x-east"), .directory("/d"), .starting(name),
    .started(StartedServer(name: name, process: ProcessIdentity(pid: 7, startTicks: 8), logPath: "/l")), .ready,
  ]
  for entry in entries {
    #expect(UndoEntry(type: entry.type, data: entry.data) == entry)
    #expect(UndoEntry(type: entry.type, data: [:]) == (entry == .ready ? .ready : nil))
  }
  #expect(UndoEntry(type: "new", data: [:]) == nil)
}

@Test func claimsAreReadBackFromTheirDirectoryNames() {
  let claim = LabClaim(id: "demo", process: ProcessIdentity(pid: 12, startTicks: 345))
  #expect(claim.directoryName == ".demo.12.345")
  #expect(LabClaim(directoryName: claim.directoryName) == claim)
  for name in ["demo", ".demo", ".demo.12", ".demo.x.345", ".demo.12.345.6", "..12.345", "demo.12.345.1"] {
    #expect(LabClaim(directoryName: name)?.directoryName == (name == "..12.345" ? "..12.345" : nil), "\(name)")
  }
}

@Test(arguments: [
  (
    "FATAL:  could not create any TCP/IP sockets\nLOG: could not bind IPv4 address \"10.91.1.1\": Address already in use",
    "the port is taken"
  ),
  ("panic: write /x/wal: no space left on device", "the disk is full"),
  ("bind: cannot assign requested address", "the region's address is gone"),
])
func theLogsComplaintBecomesARemedy(log: String, remedy: String) {
  #expect(LogTail(log).remedy?.hasPrefix(remedy) == true)
}

@Test func onlyTheEndOfALogIsShown() {
  #expect(LogTail("a\n\nb\nc\n", count: 2).lines == ["b", "c"])
  #expect(LogTail("").lines.isEmpty)
  #expect(LogTail("all is well").remedy == nil)
  #expect(LogTail(path: "/nonexistent").lines.isEmpty)
}

@Test func passwordsAreLongAndNeedNoEscaping() {
  var generator = SeededRandom(seed: 1)
  let password = LabRecord.newPassword(from: &generator)
  #expect(password.utf8.count == 32)
  #expect(password.allSatisfy { $0.isLetter || $0.isNumber })
  #expect(LabRecord.newPassword(from: &generator) != password)
}

@Test func aRelativeStateDirectoryMeansTheSamePlaceForEveryServer() {
  let here = LabPaths(stateDirectory: "state", id: "demo").directory
  #expect(here.hasPrefix("/") && here.hasSuffix("/state/labs/demo"))
  #expect(LabPaths(stateDirectory: "/state", id: "demo").directory == "/state/labs/demo")
}
