import Glibc
import Netlink
import Support
import Testing

@testable import Lab

/// Real namespaces, real etcd, real PostgreSQL. One after the other, for each takes the whole machine for a second.
@Suite(.serialized, .enabled(if: geteuid() == 0, "labs need root"))
struct LabTests {
  @Test func aLabComesUpAnswersAndGoesDownWithoutATrace() async throws {
    try await withScratch { scratch in
      let id = uniqueID()
      let clock = ContinuousClock()
      let begun = clock.now
      let lab = try await Lab.up(storesOnly(id), scratch.surroundings())
      print("up (template made): \((clock.now - begun).brief)")
      let status = try await lab.status()
      print(String(decoding: try encodeJSON(status, pretty: true), as: UTF8.self))
      #expect(status.isReady)
      #expect(status.servers.count == 5)
      let down = clock.now
      let removed = try await lab.down()
      print("down: \((clock.now - down).brief)", removed)
      #expect(try await scratch.remains(of: id) == [])
      let again = clock.now
      let second = try await Lab.up(storesOnly(id), scratch.surroundings())
      print("up (warm): \((clock.now - again).brief)")
      try await second.down()
      #expect(try await scratch.remains(of: id) == [])
    }
  }
}
