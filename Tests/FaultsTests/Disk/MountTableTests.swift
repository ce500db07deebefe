import Testing

@testable import Faults

@Suite struct MountTableTests {
  private let table = MountTable(
    """
    27 0 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
    40 27 0:30 / /data rw - tmpfs tmpfs rw
    41 40 0:39 / /data/with\\040blank rw,nosuid master:3 propagate_from:2 - fuse.blackstart blackstart-1 rw
    42 40 0:40 / /data/pg rw - ext4 /dev/sdb rw
    43 42 0:41 / /data/pg rw - fuse.blackstart blackstart-2 rw
    garbage
    """)

  @Test func whatWasMountedLastIsSeen() {
    #expect(table.mounts.count == 5)
    #expect(table.top(at: "/data/pg")?.source == "blackstart-2")
    #expect(table.top(at: "/data/with blank")?.type == "fuse.blackstart")
    #expect(table.top(at: "/data/other") == nil)
  }

  @Test(arguments: [
    ("/data/pg/base/1", 43), ("/data/pgx", 40), ("/data/with blank", 41), ("/etc", 27), ("/", 27),
  ])
  func aPathLiesOnTheMountThatIsNearestAbove(path: String, id: Int) {
    #expect(table.mount(holding: path)?.id == id)
  }
}
