import Testing

@testable import Drill

/// Every course that a runbook can take, walked to its end.
@Suite struct RunbookMachineTests {
  typealias Step = RunbookMachine.Step

  /// The nine steps of the recovery flow, as the machine sees them.
  static let nine = [
    Step("freeze", hasVerification: true, isUndoable: true, attempts: 2),
    Step("promote", needsApproval: true, hasPrecondition: true, hasVerification: true),
    Step("repoint", hasVerification: true, hasGate: true, isUndoable: true),
    Step("replay", hasVerification: true, isUndoable: true, attempts: 2),
    Step("switch-reads", hasVerification: true, hasGate: true, isUndoable: true),
    Step("drain", hasVerification: true, changes: false),
    Step("observe", hasPrecondition: true, changes: false),
    Step("restore", hasPrecondition: true, hasVerification: true, isUndoable: true),
    Step("unfreeze", hasPrecondition: true, hasVerification: true, hasGate: true),
  ]

  /// What a course did, as the world would have it.
  private struct World {
    var effects: [Int] = []
    var isBusy = false
    var commands = 0

    mutating func take(_ command: RunbookMachine.Command, of steps: [Step]) {
      commands += 1
      switch command {
      case .act(let index, _): if effects.last != index { effects.append(index) }
      case .undo(let index):
        // What changed nothing may lie above.
        while let top = effects.last, top != index, !steps[top].changes { effects.removeLast() }
        #expect(effects.last == index, "\(steps[index].id) is undone out of order: \(effects)")
        #expect(steps[index].isUndoable)
        effects.removeLast()
      default: break
      }
    }
  }

  private func expectEnd(_ end: RunbookEnd, _ world: World, _ steps: [Step]) {
    switch end {
    case .completed: #expect(world.effects == Array(steps.indices))
    case .stopped(_, _, _, let undone, let state):
      let left = world.effects.filter { steps[$0].changes }
      switch state {
      case .asBefore: #expect(left == [])
      case .standing(let id):
        #expect(left.last.map { steps[$0].id } == id)
        #expect(left.last.map { steps[$0].isUndoable } == false, "\(id) could have been undone")
      case .unsafe(let failures): #expect(!failures.isEmpty)
      case .left(let id):
        #expect(left.last.map { steps[$0].id } == id)
        #expect(left.last.map { steps[$0].isUndoable } == false, "\(id) could have been undone")
      }
      #expect(Set(undone).count == undone.count)
    }
  }

  /// Walks every sequence of answers, at each command all that are possible.
  private func walk(
    _ machine: RunbookMachine, _ command: RunbookMachine.Command, _ world: World, _ courses: inout Int
  ) {
    if case .finish(let end) = command {
      courses += 1
      return expectEnd(end, world, machine.steps)
    }
    var world = world
    world.take(command, of: machine.steps)
    #expect(world.commands < 200, "it does not end")
    for answer in [
      RunbookMachine.Answer.succeeded, .failed("no", final: false), .failed("no", final: true), .cancelled,
    ] {
      var next = machine
      // An undo that failed is looked at in a test of its own: its effect stays.
      if case .undo = command, answer != .succeeded { continue }
      let following = next.handle(answer)
      walk(next, following, world, &courses)
    }
  }

  @Test func everyCourseEndsInANamedState() {
    var courses = 0
    for answer in [RunbookMachine.Answer.succeeded, .cancelled] {
      var machine = RunbookMachine(Self.nine)
      let command = machine.handle(answer)
      walk(machine, command, World(), &courses)
    }
    #expect(courses > 100)
  }

  /// Cancelled in each command of the nine steps: undone in reverse order down to the promotion, which cannot be.
  @Test func cancelledAnywhereItEndsInANamedState() throws {
    var lengths = 0
    for stop in 0..<100 {
      var machine = RunbookMachine(Self.nine)
      var world = World()
      var command = machine.handle(.succeeded)
      var seen = 0
      var cancelledIn: RunbookMachine.Command?
      while true {
        if case .finish(let end) = command {
          guard let cancelledIn else {
            #expect(end == .completed)
            lengths = seen
            break
          }
          expectEnd(end, world, Self.nine)
          guard case .stopped(let at, "cancelled", true, _, let state) = end else {
            Issue.record("\(end) after a cancellation in \(cancelledIn)")
            break
          }
          let isPromoted = world.effects.contains(1)
          // Past the last step nothing was left that could be taken back but the reopening itself.
          switch state {
          case .asBefore: #expect(!isPromoted)
          case .standing(let id): #expect(isPromoted && id == (world.effects.contains(8) ? "unfreeze" : "promote"))
          case .left(let id): #expect(id == at && ["promote", "unfreeze"].contains(id))
          case .unsafe: Issue.record("nothing failed to be taken back")
          }
          break
        }
        world.take(command, of: Self.nine)
        if seen == stop {
          cancelledIn = command
          command = machine.handle(.cancelled)
        } else {
          command = machine.handle(.succeeded)
        }
        seen += 1
      }
      if lengths > 0 { break }
    }
    #expect(lengths > 20, "every command of nine steps was cancelled once")
  }

  @Test func aStepIsTriedAsOftenAsItMay() {
    var machine = RunbookMachine([Step("a", hasVerification: true, attempts: 3)])
    var attempts: [Int] = []
    var command = machine.handle(.succeeded)
    while true {
      switch command {
      case .act(_, let attempt):
        attempts.append(attempt)
        command = machine.handle(attempt == 2 ? .succeeded : .failed("no", final: false))
      case .verify: command = machine.handle(.failed("not yet", final: false))
      case .rest: command = machine.handle(.succeeded)
      default:
        #expect(attempts == [1, 2, 3])
        #expect(
          command
            == .finish(.stopped(at: "a", why: "no", cancelled: false, undone: [], state: .left(at: "a"))))
        return
      }
    }
  }

  @Test func whereItIsAskedForEverythingIsLeftAsItStands() {
    var machine = RunbookMachine([Step("a", isUndoable: true), Step("b", isUndoable: true)], undoes: false)
    _ = machine.handle(.succeeded)
    #expect(machine.handle(.succeeded) == .act(1, attempt: 1))
    var cancelled = machine
    #expect(
      machine.handle(.failed("no", final: true))
        == .finish(.stopped(at: "b", why: "no", cancelled: false, undone: [], state: .left(at: "b"))))
    #expect(cancelled.handle(.cancelled) == .undo(1))
  }

  /// What could not be taken back is said, and the steps before it are taken back all the same.
  @Test func anUndoThatFailsIsNotHidden() {
    var machine = RunbookMachine([Step("a", isUndoable: true), Step("b", isUndoable: true), Step("c")])
    #expect(machine.handle(.succeeded) == .act(0, attempt: 1))
    #expect(machine.handle(.succeeded) == .act(1, attempt: 1))
    #expect(machine.handle(.failed("no", final: true)) == .undo(1))
    #expect(machine.handle(.failed("stuck", final: false)) == .undo(0))
    #expect(
      machine.handle(.succeeded)
        == .finish(
          .stopped(at: "b", why: "no", cancelled: false, undone: ["a"], state: .unsafe(["b: stuck"]))))
  }
}
