import Glibc
import Support
import Testing

@testable import Faults

/// Faults in processes, on real ones.
@Suite struct ProcessFaultTests {
  @Test func aKilledProcessIsGoneAndNothingElseIs() async throws {
    try await InnerScratch.with { scratch in
      let (one, other) = (try scratch.start(), try scratch.start())
      let receipt = try await scratch.holder.arm(scratch.fault(.kill, .process(one.identity)))
      #expect(await one.wait() == .signalled(9))
      #expect(other.identity.isAlive)
      #expect(receipt.counters.hits == 1)
      #expect(receipt.changes == ["SIGKILL to sleep (pid \(one.identity.pid))"])
      let outcome = try await scratch.holder.disarm("f")
      #expect(outcome.end == .disarmed)
      #expect(outcome.counters.inner?.hits == 1)
      #expect(outcome.provenFromNanoseconds < outcome.provenUntilNanoseconds)
      #expect(scratch.keeper.all.allSatisfy { $0.isSettled })
    }
  }

  @Test func aProcessThatIgnoresTheRequestIsKilledAfterItsGrace() async throws {
    try await InnerScratch.with { scratch in
      let polite = try scratch.start()
      let deaf = try scratch.start("/bin/sh", ["-c", "trap '' TERM; while :; do sleep 0.05; done"])
      // The trap must stand before the signal comes.
      #expect(try await eventually(within: .seconds(5)) { ignoresTermination(deaf.identity.pid) })
      _ = try await scratch.holder.arm(
        scratch.fault(.terminate(graceMilliseconds: 200), .process(polite.identity), id: "polite"))
      let receipt = try await scratch.holder.arm(
        scratch.fault(.terminate(graceMilliseconds: 200), .process(deaf.identity), id: "deaf"))
      #expect(await polite.wait() == .signalled(15))
      #expect(await deaf.wait() == .signalled(9))
      #expect(receipt.counters.particulars["killed after the grace"] == 1)
    }
  }

  @Test(arguments: [ProcessDisturbance.Pause.stop, .trace])
  func aPausedProcessStandsStillAndRunsAgain(_ way: ProcessDisturbance.Pause) async throws {
    try await InnerScratch.with { scratch in
      let child = try scratch.start()
      let receipt = try await scratch.holder.arm(scratch.fault(.pause(way), .process(child.identity)))
      #expect(receipt.counters.reached == 1)
      #expect(["T", "t"].contains(state(child.identity)))
      #expect(scratch.keeper.all.count == 1)
      let outcome = try await scratch.holder.disarm("f")
      #expect(outcome.end == .disarmed)
      #expect(outcome.counters.inner?.coverage == 1)
      #expect(goesOn(child.identity))
      #expect(scratch.keeper.all.allSatisfy { $0.isSettled })
    }
  }

  @Test func aPauseThatSomebodyEndsIsReportedAsVanished() async throws {
    try await InnerScratch.with { scratch in
      let child = try scratch.start()
      _ = try await scratch.holder.arm(scratch.fault(.pause(.stop), .process(child.identity)))
      try child.send(Signal.resume)
      #expect(try await eventually(within: .seconds(10)) { scratch.events.end != nil })
      guard case .vanished = scratch.events.end?.end else {
        Issue.record("\(String(describing: scratch.events.end))")
        return
      }
      #expect(goesOn(child.identity))
    }
  }

  @Test func aPauseEndsWithItsLease() async throws {
    try await InnerScratch.with { scratch in
      let child = try scratch.start()
      _ = try await scratch.holder.arm(
        scratch.fault(.pause(.stop), .process(child.identity), lease: .milliseconds(300)))
      #expect(try await eventually(within: .seconds(10)) { scratch.events.end != nil })
      #expect(scratch.events.end?.end == .leaseExpired)
      #expect(goesOn(child.identity))
    }
  }

  @Test func aLoopKillsWhoeverComesBack() async throws {
    let player = Player()
    try await InnerScratch.with(players: { $0 == "store" ? player.now : [] }) { scratch in
      let first = try scratch.start()
      player.set(first.identity)
      _ = try await scratch.holder.arm(scratch.fault(.restartLoop(everyMilliseconds: 50), .role("store")))
      #expect(await first.wait() == .signalled(9))
      let second = try scratch.start()
      player.set(second.identity)
      #expect(await second.wait() == .signalled(9))
      let outcome = try await scratch.holder.disarm("f")
      #expect(outcome.counters.inner?.hits == 2)
    }
  }

  @Test func whatMayNotBeChosenIsRefusedAndNothingIsChanged() async throws {
    try await InnerScratch.with { scratch in
      let own = try ProcessIdentity.current()
      let gone = try scratch.start()
      try await gone.terminate(Signal.kill)
      let reused = ProcessIdentity(pid: own.pid, startTicks: own.startTicks + 1)
      let cases: [(ProcessSelector.Choice, String)] = [
        (.pid(own.pid), "no fault may touch"), (.pid(getppid()), "no fault may touch"), (.pid(1), "no fault may touch"),
        (.pid(2), "thread of the kernel"), (.process(gone.identity), "is gone"),
        (.process(reused), "is another process by now"),
        (.name("no-such-program"), "there is no such process"), (.port(1), "there is no such process"),
        (.unit("no-such.service"), "there is no such process"), (.role("store"), "there is no such process"),
      ]
      for (choice, why) in cases {
        let error = await #expect(throws: FaultError.self) {
          try await scratch.holder.arm(scratch.fault(.kill, choice))
        }
        #expect("\(error.map { "\($0)" } ?? "")".contains(why), "\(choice)")
        #expect("\(error.map { "\($0)" } ?? "")".hasSuffix("nothing was changed"))
      }
      #expect(scratch.keeper.all.isEmpty)
    }
  }

  @Test func whatIsProtectedIsLeftOutOfMany() async throws {
    try await InnerScratch.with { scratch in
      let (child, other) = (try scratch.start(), try scratch.start())
      let scope = ProcessScope(protected: { [child.identity] })
      let chosen = try ProcessSelector(.name("sleep")).resolve(in: scope) { FaultError($0, fault: "f", node: "n") }
        .map(\.identity)
      #expect(chosen.contains(other.identity))
      #expect(!chosen.contains(child.identity))
    }
  }

  @Test func descendantsAreChosenWithTheirParent() async throws {
    try await InnerScratch.with { scratch in
      let parent = try scratch.start("/bin/sh", ["-c", "sleep 600 & wait"])
      let selector = ProcessSelector(.process(parent.identity), includesDescendants: true)
      #expect(try await eventually(within: .seconds(5)) { try selector.count(in: ProcessScope()) == 2 })
      let receipt = try await scratch.holder.arm(
        scratch.fault(.kill, .process(parent.identity), descendants: true))
      #expect(receipt.counters.hits == 2)
    }
  }
}

/// Whether SIGTERM is ignored: bit 14 of the mask that /proc shows (proc(5)).
private func ignoresTermination(_ pid: Int32) -> Bool {
  guard let bytes = try? readFile("/proc/\(pid)/status", limit: 1 << 16) else { return false }
  let line = String(decoding: bytes, as: UTF8.self).split(separator: "\n").first { $0.hasPrefix("SigIgn:") }
  guard let mask = line.flatMap({ $0.split(separator: "\t").last }).flatMap({ UInt64($0, radix: 16) }) else {
    return false
  }
  return mask & (1 << 14) != 0
}
