import Netlink
import Support
import Synchronization
import Testing

@testable import Faults

/// The clock of a whole node: what the kernel is asked, and how a change is taken back from any state. No clock is touched here:
/// it is reckoned with a clock of the test's own. Real kernels are asked in ``NodeClockKernelTests``.
@Suite struct NodeClockTests {
  // MARK: what the kernel is asked

  /// struct timex, byte for byte, as the kernel's header lays it out on 64-bit machines.
  @Test func aRequestHasTheKernelsBytes() {
    var request = Timex()
    request.modes = [.frequency, .tick, .setOffset, .nano]
    request.pending = -2
    request.frequency = 0x0102_0304_0506_0708
    request.status = [.unsynchronized, .nano]
    request.seconds = -1
    request.fraction = 999_999_999
    request.tick = 10_002
    var expected: [UInt8] = []
    expected += [0x02, 0x61, 0x00, 0x00, 0, 0, 0, 0]  //                        modes, padding
    expected += [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]  //            offset
    expected += [0x08, 0x07, 0x06, 0x05, 0x04, 0x03, 0x02, 0x01]  //            freq
    expected += [UInt8](repeating: 0, count: 16)  //                            maxerror, esterror
    expected += [0x40, 0x20, 0x00, 0x00, 0, 0, 0, 0]  //                        status, padding
    expected += [UInt8](repeating: 0, count: 24)  //                            constant, precision, tolerance
    expected += [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]  //            time.tv_sec
    expected += [0xff, 0xc9, 0x9a, 0x3b, 0x00, 0x00, 0x00, 0x00]  //            time.tv_usec
    expected += [0x12, 0x27, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00]  //            tick
    expected += [UInt8](repeating: 0, count: 112)  //                           ppsfreq … stbcnt, tai, reserved
    #expect(request.encoded == expected)
    #expect(expected.count == 208)
    #expect(Timex(expected) == request)
  }

  @Test(arguments: 0..<208) func anAnswerThatIsCutOffIsNone(count: Int) {
    #expect(Timex([UInt8](repeating: 1, count: count)) == nil)
  }

  /// Asking changes nothing, so it may be done here: the size of the struct is the one that this kernel takes.
  @Test func theKernelAnswersWhatItIsAsked() throws {
    let (reading, state) = try NodeClock().read()
    #expect(state.modes.isEmpty)
    #expect((9_000...11_000).contains(state.tick))
    #expect(abs(state.seconds - reading.realtime / 1_000_000_000) <= 5)
    #expect(reading.uncertainty >= 0)
  }

  // MARK: rates

  @Test(
    arguments: [
      (0, 0, 10_000), (200_000, 13_107_200, 10_000), (-1_000, -65_536, 10_000), (500_000, 32_768_000, 10_000),
      (500_001, 65, 10_005), (-700_000, 0, 9_993), (649_999, 3_276_734, 10_006 - 0), (100_000_000, 0, 11_000),
      (-100_000_000, 0, 9_000),
    ] as [(Int64, Int64, Int64)])
  func aRateIsSplitAsTheKernelTakesIt(drift: Int64, frequency: Int64, tick: Int64) throws {
    let rate = try #require(ClockRate(frequency: 0, tick: 10_000).changed(byPartsPerBillion: drift))
    #expect(rate.total == drift * 65_536 / 1_000)
    if drift != 649_999 { #expect(rate == ClockRate(frequency: frequency, tick: tick)) }
  }

  @Test(arguments: [-40 * 65_536, 0, 65, 400 * 65_536] as [Int64], [9_990, 10_000, 10_001] as [Int64])
  func aRateIsAddedToTheOneThatIsThere(frequency: Int64, tick: Int64) throws {
    let base = ClockRate(frequency: frequency, tick: tick)
    for drift in stride(from: Int64(-90_000_000), through: 90_000_000, by: 1_234_567) {
      let rate = try #require(base.changed(byPartsPerBillion: drift))
      #expect(rate.total - base.total == drift * 65_536 / 1_000)
    }
    #expect(base.changed(byPartsPerBillion: 200_000_000) == nil)
    #expect(base.changed(byPartsPerBillion: .max) == nil)
    #expect(base.changed(byPartsPerBillion: .min) == nil)
  }

  @Test func aRateComesToWhatItSays() {
    let rate = ClockRate(frequency: 200 * 65_536, tick: 10_000)
    #expect(rate.gain(over: 3_600_000_000_000) == 720_000_000)
    #expect(ClockRate(frequency: 0, tick: 9_000).gain(over: 10_000_000_000) == -1_000_000_000)
    #expect(ClockRate(frequency: 0, tick: 11_000).gain(over: .max) == .max / 10)
  }

  // MARK: taking it back

  /// A machine's clocks, reckoned exactly.
  private struct Machine {
    var realtime: Int64 = 1_795_000_000_000_000_000
    var monotonic: Int64 = 5_000_000_000_000
    var raw: Int64 = 4_999_000_000_000
    var rate = ClockRate(frequency: 0, tick: 10_000)
    /// What it would show if nobody had touched it.
    var honest: Int64 = 1_795_000_000_000_000_000
    var honestRate = ClockRate(frequency: 0, tick: 10_000)

    var reading: NodeClockReading {
      NodeClockReading(
        realtime: realtime, monotonic: monotonic, raw: raw, uncertainty: 0, rate: rate, isNano: true)
    }

    mutating func pass(_ time: Int64) {
      raw += time
      let gained = time + rate.gain(over: time)
      monotonic += gained
      realtime += gained
      honest += time + honestRate.gain(over: time)
    }

    mutating func take(_ request: Timex) {
      if request.modes.contains(.setOffset) { realtime += request.seconds * 1_000_000_000 + request.fraction }
      if request.modes.contains(.frequency) { rate = ClockRate(frequency: request.frequency, tick: request.tick) }
    }

    func undo(offset: Int64, drift: Int64) throws -> NodeClockUndo {
      NodeClockUndo(
        before: reading, offset: offset, rate: try #require(rate.changed(byPartsPerBillion: drift)))
    }
  }

  private struct Change: CustomStringConvertible {
    var offset: Int64
    var drift: Int64
    var base: Int64
    var description: String { "\(offset) ns, \(drift) ppb beside \(base)" }
  }

  private static let changes: [Change] = [0, 5_000_000_000, -3_600_000_000_001].flatMap { offset in
    [0, 200_000, -100_000_000, 12_345].flatMap { drift in
      [0, -37 * 65_536].filter { _ in offset != 0 || drift != 0 }.map { Change(offset: offset, drift: drift, base: $0) }
    }
  }

  private func machine(_ change: Change) -> Machine {
    var machine = Machine()
    machine.rate.frequency = change.base
    machine.honestRate = machine.rate
    return machine
  }

  /// However long it was in force, the clock is then what it would have been; and doing it again does nothing.
  @Test(arguments: changes, [0, 1, 1_000_000_000, 86_400_000_000_000] as [Int64])
  private func aChangeIsTakenBackExactly(change: Change, time: Int64) throws {
    var machine = machine(change)
    let undo = try machine.undo(offset: change.offset, drift: change.drift)
    machine.pass(3_000_000)  // it is promised, and only then made
    machine.take(undo.change)
    machine.pass(time)
    guard case .undo(let request, _, nil) = undo.decide(machine.reading) else {
      Issue.record("\(undo.decide(machine.reading))")
      return
    }
    machine.take(request)
    #expect((machine.realtime - machine.honest).magnitude <= 4)
    #expect(machine.rate == undo.before.rate)
    machine.pass(60_000_000_000)
    #expect((machine.realtime - machine.honest).magnitude <= 4)
    #expect(undo.decide(machine.reading) == .nothing)
  }

  /// A kill between the promise and the change leaves nothing to take back.
  @Test(arguments: changes) private func whatWasNeverMadeIsLeftAlone(change: Change) throws {
    var machine = machine(change)
    let undo = try machine.undo(offset: change.offset, drift: change.drift)
    #expect(undo.decide(machine.reading) == .nothing)
    machine.pass(3_600_000_000_000)
    #expect(undo.decide(machine.reading) == .nothing)
  }

  /// What somebody else did to the clock is never taken back, and is named.
  @Test func theHandOfAnotherIsLeftAlone() throws {
    // A daemon set the time right again: nothing of the step is left.
    var machine = Machine()
    var undo = try machine.undo(offset: 5_000_000_000, drift: 0)
    machine.take(undo.change)
    machine.realtime -= 5_000_000_000
    #expect(undo.decide(machine.reading) == .nothing)
    // It was set to something else.
    machine.realtime += 1_000_000_000
    #expect(undo.decide(machine.reading) == .foreign("its time of day was set 1.00 s ahead"))
    // Its rate was.
    machine = Machine()
    undo = try machine.undo(offset: 0, drift: 200_000)
    machine.take(undo.change)
    machine.rate.frequency += 1
    #expect(undo.decide(machine.reading) == .foreign("its rate is one that somebody else has set"))
    // Ours stands, and somebody stepped the clock besides: our part goes, and theirs stays.
    machine = Machine()
    undo = try machine.undo(offset: 0, drift: -100_000_000)
    machine.take(undo.change)
    machine.pass(10_000_000_000)
    machine.realtime += 7_000_000_000
    guard case .undo(let request, let correction, let note) = undo.decide(machine.reading) else {
      Issue.record("\(undo.decide(machine.reading))")
      return
    }
    #expect(correction == 1_000_000_000)
    #expect(note == "its time of day was set 7.00 s ahead by somebody else")
    machine.take(request)
    #expect(machine.realtime - machine.honest == 7_000_000_000)
  }

  /// A machine on which whoever takes a change back gets no processor between looking and setting, as often as it is told.
  private final class BusyMachine: AdjustableClock {
    private let state: Mutex<(machine: Machine, delays: [Int64], asked: Int)>

    init(_ machine: Machine, delays: [Int64]) { state = Mutex((machine, delays, 0)) }

    var machine: Machine { state.withLock { $0.machine } }
    var asked: Int { state.withLock { $0.asked } }

    func read() throws(SystemError) -> (reading: NodeClockReading, state: Timex) {
      state.withLock { ($0.machine.reading, Timex()) }
    }

    func ask(_ request: Timex) throws(SystemError) -> Timex {
      state.withLock { state in
        if !state.delays.isEmpty { state.machine.pass(state.delays.removeFirst()) }
        state.machine.take(request)
        state.asked += 1
        return request
      }
    }
  }

  /// The rest that a delay left is taken back as well, by the same hand or, where that was killed in between, by the next.
  @Test(arguments: [(0, 100_000_000), (5_000_000_000, -200_000), (-7_000_000_000, 90_000_000)] as [(Int64, Int64)])
  func aDelayBetweenLookingAndSettingLeavesNothing(offset: Int64, drift: Int64) throws {
    var machine = Machine()
    let undo = try machine.undo(offset: offset, drift: drift)
    machine.take(undo.change)
    machine.pass(2_000_000_000)
    let busy = BusyMachine(machine, delays: [900_000_000])
    let (result, evidence) = try undo.takeBack(busy)
    #expect(result == .removed)
    #expect(busy.asked == 2)
    #expect((busy.machine.realtime - busy.machine.honest).magnitude <= 4, "\(evidence)")
    #expect(busy.machine.rate == undo.before.rate)
    // Killed after its first call: what `recover` finds.
    guard case .undo(let first, _, nil) = undo.decide(machine.reading) else {
      Issue.record("\(undo.decide(machine.reading))")
      return
    }
    machine.pass(900_000_000)
    machine.take(first)
    machine.pass(60_000_000_000)
    let next = BusyMachine(machine, delays: [])
    #expect(try undo.takeBack(next).result == .removed)
    #expect((next.machine.realtime - next.machine.honest).magnitude <= 4)
    #expect(try undo.takeBack(next).result == .absent)
  }

  /// More than a delay explains is somebody else's step, and stays.
  @Test func whatIsMoreThanARestIsLeftAlone() throws {
    var machine = Machine()
    let undo = try machine.undo(offset: 0, drift: 200_000)
    machine.take(undo.change)
    machine.pass(2_000_000_000)
    let busy = BusyMachine(machine, delays: [2_000_000_000])
    let (result, _) = try undo.takeBack(busy)
    guard case .foreign = result else {
      Issue.record("\(result)")
      return
    }
    #expect(busy.machine.rate == undo.before.rate)
  }

  /// A clock that does not become right is said to be wrong.
  @Test func aClockThatStaysWrongIsAnError() throws {
    struct Stubborn: AdjustableClock {
      var reading: NodeClockReading
      func read() throws(SystemError) -> (reading: NodeClockReading, state: Timex) { (reading, Timex()) }
      func ask(_ request: Timex) throws(SystemError) -> Timex { request }
    }
    var machine = Machine()
    let undo = try machine.undo(offset: 5_000_000_000, drift: 0)
    machine.take(undo.change)
    let error = #expect(throws: SystemError.self) { try undo.takeBack(Stubborn(reading: machine.reading)) }
    #expect("\(error.map { "\($0)" } ?? "")".contains("still 5000000000 ns from what it would be"))
  }

  @Test func undoDataSurvivesTheJournal() throws {
    let undo = try Machine().undo(offset: -5, drift: 77)
    let action = UndoAction.nodeClock(undo)
    #expect(try decodeJSON(UndoAction.self, from: encodeJSON(action)) == action)
    #expect("\(action)".hasPrefix("change of the node's clock (−5.00 ns, rate 0.077 ppm"), "\(action)")
  }

  // MARK: who may

  private func fault(_ change: NodeClockChange, processes: ProcessSelector? = nil) -> InnerFault {
    InnerFault(
      id: "f", run: "test", node: "n", effect: .nodeClock(change), processes: processes,
      timing: .init(lease: .seconds(5)))
  }

  /// Nothing but an explicit permission for a machine of its own lets anybody at its clock.
  @Test func withoutPermissionNothingIsMade() async throws {
    let keeper = PromiseLog()
    let before = try NodeClock().read().reading
    let change = fault(NodeClockChange(offsetNanoseconds: 5_000_000_000, driftPartsPerBillion: 1_000))
    for (scope, reason) in [
      (ProcessScope(), "nobody permitted this node's clock to be set"),
      (ProcessScope(namespace: try .current()), "is a network namespace, and its clock is this machine's"),
    ] {
      let holder = InnerFaultHolder(node: "n", scope: scope, undo: keeper) { _ in }
      let refusal = await #expect(throws: FaultError.self) { try await holder.arm(change) }
      #expect("\(refusal.map { "\($0)" } ?? "")".contains(reason))
      let look = await #expect(throws: FaultError.self) { try await holder.changes(of: change) }
      #expect("\(look.map { "\($0)" } ?? "")".contains(reason))
      await holder.close()
    }
    let after = try NodeClock().read().reading
    #expect(after.rate == before.rate)
    #expect(keeper.all.isEmpty)
  }

  @Test(arguments: [
    (NodeClockChange(offsetNanoseconds: 0), "neither moves the clock"),
    (NodeClockChange(offsetNanoseconds: 1_000_000), "less than 2 ms"),
    (NodeClockChange(offsetNanoseconds: .min), "beyond 100 years"),
    (NodeClockChange(offsetNanoseconds: 0, driftPartsPerBillion: 100_000_001), "beyond ±100,000 ppm"),
  ]) func whatCannotBeIsRefused(change: NodeClockChange, why: String) {
    let refusal = #expect(throws: FaultError.self) { try fault(change).validate() }
    #expect("\(refusal.map { "\($0)" } ?? "")".contains(why))
  }

  @Test func aNodeIsNotSomeProcesses() {
    #expect(throws: FaultError.self) {
      try fault(NodeClockChange(offsetNanoseconds: 5_000_000_000), processes: ProcessSelector(.pid(1))).validate()
    }
  }
}
