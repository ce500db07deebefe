import Testing

@testable import Faults

/// Times in milliseconds, for reading.
private func ms(_ value: Int64) -> Int64 { value * 1_000_000 }

@Suite struct GuardianMachineTests {
  @Test func whatIsProlongedIsKeptAndWhatIsNotIsTakenBackAMomentAfterItsTime() {
    var machine = GuardianMachine()
    #expect(machine.nextDue == nil)
    #expect(machine.handle(.kept(number: 1, until: ms(1000))) == [])
    #expect(machine.handle(.kept(number: 2, until: ms(1000))) == [])
    #expect(machine.nextDue == ms(1100))
    #expect(machine.handle(.prolonged(number: 2, until: ms(2000))) == [])
    #expect(machine.handle(.time(ms(1099))) == [])
    #expect(machine.handle(.time(ms(1100))) == [.undo(number: 1, .agentSilent)])
    #expect(machine.handle(.undone(number: 1)) == [])
    #expect(machine.nextDue == ms(2100), "the other one lives on")
  }

  /// What is promised gets time to be made, and then as much as the kernel gives it.
  @Test func theLatestTimeCountsAlsoIfItIsAnEarlierOne() {
    var machine = GuardianMachine()
    _ = machine.handle(.kept(number: 1, until: ms(30_000)))
    _ = machine.handle(.prolonged(number: 1, until: ms(500)))
    #expect(machine.nextDue == ms(600))
    #expect(machine.handle(.time(ms(600))) == [.undo(number: 1, .agentSilent)])
  }

  @Test func theEndOfTheAgentTakesEverythingBackNewestFirst() {
    var machine = GuardianMachine()
    _ = machine.handle(.kept(number: 1, until: ms(1000)))
    _ = machine.handle(.kept(number: 2, until: ms(1000)))
    _ = machine.handle(.kept(number: 3, until: ms(1000)))
    _ = machine.handle(.settled(number: 2))
    #expect(machine.handle(.agentGone) == [.undo(number: 3, .agentGone), .undo(number: 1, .agentGone)])
    #expect(machine.handle(.undone(number: 3)) == [])
    #expect(machine.handle(.undone(number: 1)) == [.exit(isClean: true)])
  }

  @Test func withNothingHeldTheEndOfTheAgentIsItsOwn() {
    var machine = GuardianMachine()
    #expect(machine.handle(.agentGone) == [.exit(isClean: true)])
  }

  @Test func whatIsSettledIsNeverTakenBack() {
    var machine = GuardianMachine()
    _ = machine.handle(.kept(number: 1, until: ms(1000)))
    _ = machine.handle(.settled(number: 1))
    #expect(machine.handle(.time(ms(60_000))) == [])
    #expect(machine.nextDue == nil)
  }

  @Test func whatFailsIsTriedAgainLaterAndLaterAndThenLeftToRecover() {
    var machine = GuardianMachine()
    _ = machine.handle(.kept(number: 1, until: ms(0)))
    #expect(machine.handle(.agentGone) == [.undo(number: 1, .agentGone)])
    var now = ms(0)
    for attempt in 1..<GuardianMachine.attempts {
      #expect(machine.handle(.undoFailed(number: 1, at: now)) == [])
      let due = machine.nextDue ?? 0
      #expect(due == now + ms(100) * Int64(attempt))
      #expect(machine.handle(.time(due - 1)) == [])
      #expect(machine.handle(.time(due)) == [.undo(number: 1, .agentGone)])
      now = due
    }
    #expect(machine.handle(.undoFailed(number: 1, at: now)) == [.exit(isClean: false)])
  }

  /// Every sequence of six events over two records: what was kept and not settled is undone exactly until it succeeds, and
  /// the guardian ends if and only if its agent is gone and nothing is left.
  @Test func noOrderOfEventsLosesARecordOrUndoesAForeignOne() {
    let events: [GuardianMachine.Event] = [
      .kept(number: 1, until: ms(10)), .kept(number: 2, until: ms(20)), .prolonged(number: 1, until: ms(500)),
      .settled(number: 1), .time(ms(300)), .agentGone,
    ]
    var walked = 0
    func walk(_ machine: GuardianMachine, held: Set<UInt64>, gone: Bool, depth: Int) {
      walked += 1
      if depth == 0 || gone { return }
      for event in events {
        if case .kept(let number, _) = event, held.contains(number) { continue }
        var next = machine
        var left = held
        if case .kept(let number, _) = event { left.insert(number) }
        if case .settled(let number) = event { left.remove(number) }
        var queue = next.handle(event)
        var exited = false
        while !queue.isEmpty {
          switch queue.removeFirst() {
          case .undo(let number, _):
            #expect(left.remove(number) != nil, "undone what was not held: \(number)")
            queue += next.handle(.undone(number: number))
          case .exit(let isClean):
            #expect(isClean && left.isEmpty)
            exited = true
          }
        }
        let isGone = event == .agentGone
        #expect(exited == isGone)
        #expect((next.nextDue == nil) == left.isEmpty)
        walk(next, held: left, gone: isGone, depth: depth - 1)
      }
    }
    walk(GuardianMachine(), held: [], gone: false, depth: 6)
    #expect(walked > 2_000)
  }
}
