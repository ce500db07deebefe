import Support
import Testing

@testable import Stacks

@Suite struct SettingsTests {
  @Test func aMissingProgramIsNamedWithItsPackage() throws {
    let problems = try #require(throws: Problems.self) { try ServerBinaries.locate(root: "/nonexistent") }
    #expect(problems.items.map(\.fix) == ["apt-get install postgresql-15", "apt-get install etcd-server"])
    #expect(problems.items.allSatisfy { $0.code == .usage })
  }

  @Test func aMemberOfEtcdListensOnBothFamiliesAndKnowsTheOthers() {
    let settings = EtcdSettings(
      name: "m1", dataDirectory: "/d", clientAddresses: ["10.91.1.1", "fd00:91::1:1"],
      members: [.init(name: "m1", peerAddress: "10.91.1.1"), .init(name: "m2", peerAddress: "10.91.2.1")],
      clusterToken: "t")
    func value(_ flag: String) -> String? {
      settings.arguments.firstIndex(of: flag).map { settings.arguments[$0 + 1] }
    }
    #expect(value("--listen-client-urls") == "http://10.91.1.1:2379,http://[fd00:91::1:1]:2379")
    #expect(value("--advertise-client-urls") == "http://10.91.1.1:2379" && settings.endpoint == "http://10.91.1.1:2379")
    #expect(value("--initial-cluster") == "m1=http://10.91.1.1:2380,m2=http://10.91.2.1:2380")
  }

  @Test func aStoreLetsNobodyInWithoutAPassword() {
    let settings = PostgresSettings(region: "east", listen: ["10.91.1.1", "fd00::1"], allowed: ["10.91.0.0/16"])
    #expect(settings.accessText.split(separator: "\n").dropFirst() == ["host all all 10.91.0.0/16 scram-sha-256"])
    #expect(settings.configurationText.contains("listen_addresses = '10.91.1.1,fd00::1'\n"))
    #expect(settings.configurationText.contains("fsync = on\n"))
  }
}
