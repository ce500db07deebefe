import Testing

@testable import Drill

/// Traffic goes over share by share, and comes back by itself.
@Suite struct ShiftMachineTests {
  @Test func allOfItGoesOverWhileTheGateIsGreen() {
    var shift = ShiftMachine([0.1, 0.25, 0.5, 1])
    var shares: [Double] = []
    var command = shift.start()
    while command != .finish {
      if case .apply(let share, nil) = command { shares.append(share) }
      command = shift.handle(.done)
    }
    #expect(shares == [0.1, 0.25, 0.5, 1])
  }

  /// Red while applying or holding any share: the share before stands in the end, and the one that was red is named.
  @Test func itReturnsFromAnyShare() {
    let shares = [0.1, 0.25, 0.5, 1]
    for stop in 0..<8 {
      var shift = ShiftMachine(shares)
      var command = shift.start()
      for _ in 0..<stop { command = shift.handle(.done) }
      command = shift.handle(.red("lag"))
      #expect(command == .apply(stop < 2 ? 0 : shares[stop / 2 - 1], because: "lag"))
      #expect(shift.handle(.done) == .returned(from: shares[stop / 2], why: "lag"))
    }
  }
}
