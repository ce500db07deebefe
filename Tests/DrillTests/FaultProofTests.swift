import Faults
import Netlink
import Testing

@testable import Drill

/// What our own probes may have added to a fault's counters.
@Suite struct FaultProofTests {
  /// Datagrams of a node that is no peer pass by the fault's rules; counting them in would hide the system's own packets.
  @Test func onlyProbesOfPeersAreMet() throws {
    let (east, eu) = (try #require(IPAddress("10.91.1.1")), try #require(IPAddress("10.91.2.1")))
    func fault(_ targets: Fault.Targets) -> Fault {
      Fault(id: "f", run: "r", node: "ap", targets: targets, timing: Fault.Timing(lease: .seconds(10)))
    }
    let byAddress = fault(Fault.Targets(peers: [east]))
    #expect(byAddress.mayMeet(packetsFrom: [east], to: "ap"))
    #expect(!byAddress.mayMeet(packetsFrom: [eu], to: "ap"))
    #expect(!byAddress.mayMeet(packetsFrom: [east], to: "eu"))
    #expect(!byAddress.mayMeet(packetsFrom: [], to: "ap"))
    // Where peers are not told by their addresses alone, any may be one.
    #expect(fault(Fault.Targets()).mayMeet(packetsFrom: [eu], to: "ap"))
    #expect(fault(Fault.Targets(peers: [east], names: ["db"])).mayMeet(packetsFrom: [eu], to: "ap"))
  }
}
