import Faults
import Lab
import Scenarios
import Support
import Testing

@testable import Drill

/// Which ends of servers are part of the drill.
@Suite struct PlannedEndingsTests {
  @Test func onlyTheServersOfAFaultEndByItAndOnlyWhileItMay() {
    let endings = PlannedEndings()
    #expect(endings.ending(of: "eu", .store, now: 0) == nil)
    endings.announce(.init(fault: "crash", region: "eu", kind: .store, restart: .seconds(3)))
    #expect(endings.ending(of: "eu", .store, now: 0)?.fault == "crash")
    #expect(endings.ending(of: "eu", .etcd, now: 0) == nil)
    #expect(endings.ending(of: "east", .store, now: 0) == nil)
    endings.announce(.init(fault: "all", region: "ap", kind: nil, restart: nil))
    #expect(endings.ending(of: "ap", .controlPlane, now: 0)?.restart == nil)
    endings.withdraw(fault: "crash", now: 10)
    // What it ended in its last moment is noticed a little later.
    #expect(endings.ending(of: "eu", .store, now: 20)?.fault == "crash")
    #expect(endings.ending(of: "eu", .store, now: 2_000_000_010) == nil)
    #expect(endings.ending(of: "ap", .etcd, now: 2_000_000_010)?.fault == "all")
  }

  @Test func aProcessFaultIsOneInsideItsRegionAndSaysWhatItEnds() throws {
    let kill = FaultSpecification.process(
      ProcessFault(
        region: "eu", processes: .role(.store), includesDescendants: true, action: .kill, restart: .seconds(3)))
    #expect(kill.inside.map(\.region) == ["eu"])
    #expect(kill.inside.map(\.effect) == [.processes(.kill)])
    #expect(kill.inside.map(\.processes) == [ProcessSelector(.role("store"), includesDescendants: true)])
    #expect(kill.endings.map(\.server) == [.store])
    let mirror = FaultSpecification.process(
      ProcessFault(region: "eu", processes: .role(.mirror), includesDescendants: false, action: .kill))
    #expect(mirror.endings.map(\.server) == [.mirror])
    #expect(mirror.inside.map(\.processes) == [ProcessSelector(.role("mirror"))])
    #expect(ServerKind(.mirror) == .worker)
    #expect(ServerKind.allCases.allSatisfy { ServerKind($0.role) == $0 })
    #expect(ServerKind(.all) == nil)
    let pause = FaultSpecification.process(
      ProcessFault(region: "eu", processes: .role(.all), includesDescendants: false, action: .pause(.stop)))
    #expect(pause.endings.isEmpty)
    #expect(pause.inside.map(\.processes) == [ProcessSelector(.everything)])
    let skew = FaultSpecification.clock(
      ClockFault(
        region: "ap", processes: .name("etcd"), includesDescendants: false, offset: Offset(nanoseconds: -5),
        drift: Drift(partsPerBillion: 7), clocks: [.realtime]))
    #expect(skew.inside.map(\.effect) == [.clock(ClockSkew(offsetNanoseconds: -5, driftPartsPerBillion: 7))])
  }
}
