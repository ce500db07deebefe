import Faults
import Glibc
import Support
import Testing

/// Faults in processes that are chosen by their unit or control group on a host, and the limit of the disk that they write to.
@Suite(.serialized, .enabled(if: geteuid() == 0, "needs root for namespaces")) struct ChosenByUnitTests {
  /// An instance of a template, as `postgresql@15-main.service` is. What has died is for systemd to start again.
  @Test(.enabled(if: Systemd.isPossible, "no systemd is installed, or no control groups are mounted"))
  func aUnitOfSystemdStandsStillAndIsKilled() async throws {
    try await Hosts.with { hosts in
      try await Systemd.with(on: "a", of: hosts, running: Responder.command(in: hosts)) { unit in
        let responder = try await Responder.found(on: "a", 1, of: hosts)
        let first = try await responder.untilAnswered().pid
        let drill = try hosts.start(
          hosts.scenario(timeline: [
            "{ id: still, at: 0s, for: 1500ms, fault: process, region: east, unit: \(unit), action: pause }",
            "{ id: gone, at: 2s, for: 500ms, fault: process, region: east, unit: \(unit.dropLast(8)), action: kill }",
          ]), on: "d")
        try await proven("still", drill)
        #expect(try Responder.state(of: first) == "t")
        try await proven("gone", drill)
        #expect(try await responder.untilAnswered().pid != first)
        let result = try await drill.started.result()
        #expect(result.code == 0, "\(result.output)\n\(result.errors)")
        try drill.expectFaultsGone()
        try await hosts.expectNothingLeft(within: .seconds(1))
      }
    }
  }

  /// Side by side, for they wait more than they work.
  @Test(.enabled(if: DiskWriter.isPossible, "no group with a disk limit, or no loop device, can be had here"))
  func unitsAndGroupsAreMetOnTheirOwnHost() async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask(name: "met") { try await aUnitIsHeldUpStoppedAndKilled() }
      group.addTask(name: "refused") { try await whatIsNotTheUnitsAloneIsRefused() }
      try await group.waitForAll()
    }
  }

  /// A name without a kind is that of a service, as for systemctl.
  private func aUnitIsHeldUpStoppedAndKilled() async throws {
    try await Hosts.with { hosts in
      try await DiskWriter.with(on: "a", of: hosts) { writer in
        let drill = try hosts.start(
          hosts.scenario(timeline: [
            "{ id: slow, at: 0s, for: 3s, fault: disk, region: east, unit: \(writer.unit), limit: { writes: 40 } }",
            "{ id: still, at: 3500ms, for: 1s, fault: process, region: east, cgroup: /\(writer.unit), action: pause, "
              + "by: freezer }",
            "{ id: gone, at: 5s, for: 500ms, fault: process, region: east, unit: \(writer.unit.dropLast(8)), "
              + "action: kill }",
          ]), on: "d")
        try await proven("slow", drill)
        let limits = try writer.limits()
        let line = "\(try writer.device()) 40"
        #expect(limits.contains(line) || limits.contains("wiops=40"), "\(limits)")
        try await proven("still", drill)
        #expect(try writer.limits() == "")
        let frozen = try writer.rounds()
        #expect(try writer.isFrozen)
        #expect(try writer.rounds() == frozen)
        try await proven("gone", drill)
        let first = try #require(frozen.last)
        #expect(try await writer.untilWritten() != first)
        let result = try await drill.started.result()
        #expect(result.code == 0, "\(result.output)\n\(result.errors)")
        try drill.expectFaultsGone()
        let objects = try drill.journal.filter { $0.type == "fault.arming" }.compactMap { $0.data["objects"] }
        #expect(objects.count == 3 && "\(objects)".contains("\(writer.groups[0])/"), "\(objects)")
        #expect(try !writer.isFrozen)
        try await hosts.expectNothingLeft(within: .seconds(1))
      }
    }
  }

  /// Somebody on another host of this machine is in the same group: limited with it he would be, and he was not chosen.
  private func whatIsNotTheUnitsAloneIsRefused() async throws {
    try await Hosts.with { hosts in
      try await DiskWriter.with(on: "a", of: hosts) { writer in
        try await writer.add(to: "b", of: hosts)
        func limit(_ region: String, _ unit: String) -> String {
          "{ id: slow, at: 0s, for: 1s, fault: disk, region: \(region), unit: \(unit), limit: { writes: 40 } }"
        }
        // An agent that is in the group itself would stop itself, or be held up with those it holds up.
        let join = "\(hosts.directory)/join"
        let groups = writer.groups.map { "echo 0 > \($0)/cgroup.procs && " }.joined()
        try writeFile(join, Array("\(groups)exec \"$@\"\n".utf8))
        // As on a host that has groups of version 2 alone, without a controller of disks.
        let hide = "\(hosts.directory)/hide"
        try writeFile(hide, Array("umount /sys/fs/cgroup/blkio || exit; exec \"$@\"\n".utf8))
        try await withThrowingTaskGroup(of: Void.self) { group in
          group.addTask(name: "agent inside") {
            let entry =
              "{ id: still, at: 0s, for: 1s, fault: process, region: east, cgroup: /\(writer.unit), action: pause, "
              + "by: freezer }"
            let scenario = hosts.scenario(
              timeline: [entry], reach: { hosts.enter($0) + ($0 == "a" ? ["/bin/sh", join] : []) })
            let result = try await hosts.start(scenario, on: "d", name: "agent-inside").started.result()
            #expect(result.code == 4, "\(result.output)\n\(result.errors)")
            #expect(result.errors.contains("too and was not chosen"), "\(result.errors)")
          }
          if writer.groups[0].hasPrefix("/sys/fs/cgroup/blkio/") {
            group.addTask(name: "no controller") {
              let scenario = hosts.scenario(
                timeline: [limit("east", writer.unit)],
                reach: { hosts.enter($0) + ["/usr/bin/unshare", "--mount", "/bin/sh", hide] })
              let result = try await hosts.start(scenario, on: "d", name: "no-controller").started.result()
              #expect(result.code == 2, "\(result.output)\n\(result.errors)")
              #expect(result.errors.contains("no controller of disks: "), "\(result.errors)")
            }
          }
          for (name, entry, why) in [
            ("shared", limit("east", writer.unit), "too and was not chosen"),
            ("idle", limit("eu", writer.unit), "has a file open for writing that lies on a disk"),
            ("nobody", limit("ap", writer.unit), "there is no such process"),
            ("no-unit", limit("east", "bs-test-none.service"), "there is no such process"),
          ] {
            group.addTask(name: name) {
              let result = try await hosts.start(hosts.scenario(timeline: [entry]), on: "d", name: name).started
                .result()
              #expect(result.code == 4, "\(name): \(result.output)\n\(result.errors)")
              #expect(result.errors.contains(why), "\(name): \(result.errors)")
            }
          }
          try await group.waitForAll()
        }
        #expect(try writer.limits() == "" && !writer.isFrozen)
        try await hosts.expectNothingLeft(within: .seconds(1))
      }
    }
  }

  private func proven(_ fault: String, _ drill: RunningDrill) async throws {
    try await drill.until("fault.proven") { $0["fault"]?.string == fault }
  }
}
