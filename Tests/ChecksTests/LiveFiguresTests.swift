import Checks
import Events
import Testing

@Suite struct LiveFiguresTests {
  private let east = NodeIndex(rawValue: 0)
  private let eu = NodeIndex(rawValue: 1)

  private func sight(_ sequence: UInt64, in store: NodeIndex, at time: Int64) -> Operation {
    Operation(
      .observe, process: 9, event: EventID(producer: 0, sequence: sequence), key: 0, keySequence: sequence, node: store,
      region: store, origin: east, invoked: time, completed: time, outcome: .ok)
  }

  @Test func `lag is the age of the oldest event still missing`() {
    let direction = LiveFigures.Direction(from: east, to: eu)
    var live = LiveFigures(directions: [direction])
    #expect(live.lag(direction, at: 5) == 0)
    live.take([sight(0, in: east, at: 10), sight(1, in: east, at: 20), sight(2, in: east, at: 30)])
    #expect(live.lag(direction, at: 100) == 90)
    live.take([sight(1, in: eu, at: 101)])
    #expect(live.lag(direction, at: 110) == 100)
    #expect(live.missing(direction) == 2)
    live.take([sight(0, in: eu, at: 111)])
    #expect(live.lag(direction, at: 120) == 90)
    live.take([sight(2, in: eu, at: 121)])
    #expect(live.lag(direction, at: 130) == 0)
    #expect(live.lag(LiveFigures.Direction(from: eu, to: east), at: 130) == nil)
  }

  @Test func `an event that the target's tail shows first is not missing`() {
    let direction = LiveFigures.Direction(from: east, to: eu)
    var live = LiveFigures(directions: [direction])
    live.take([sight(0, in: eu, at: 10), sight(0, in: east, at: 11), sight(0, in: eu, at: 12)])
    #expect(live.missing(direction) == 0)
    #expect(live.lag(direction, at: 50) == 0)
  }

  @Test func `lag agrees with the series of the whole history`() {
    let evidence = CleanDrill.evidence()
    let names = evidence.history.names
    let east = NodeIndex(rawValue: UInt16(names.nodes.firstIndex(of: "east") ?? 9))
    let eu = NodeIndex(rawValue: UInt16(names.nodes.firstIndex(of: "eu") ?? 9))
    let direction = LiveFigures.Direction(from: east, to: eu)
    var live = LiveFigures(directions: [direction])
    var rest = evidence.history.operations[...]
    for sample in mirrorLag(evidence.history, [MirrorDirection(from: "east", to: "eu")]) {
      let now = rest.prefix { ($0.completed ?? .max) <= sample.time }
      live.take(Array(now))
      rest = rest.dropFirst(now.count)
      #expect(live.lag(direction, at: sample.time) == sample.lag)
    }
    #expect(live.highestAcknowledgedToken == CleanDrill.newToken)
  }

  @Test func `error rates count what was not acknowledged, and nothing is not zero`() {
    var live = LiveFigures(directions: [])
    #expect(live.writes(in: second, before: 100 * second).errorRate == nil)
    var drill = SmallDrill()
    drill.write(0, to: "east", token: 1, at: 98)
    drill.write(1, to: "east", token: 1, at: 100)
    drill.write(2, to: "east", token: 1, at: 100, outcome: .unknown(.neverCompleted))
    drill.write(3, from: "eu", to: "eu", token: 7, at: 100, outcome: .fail(.neverCompleted))
    drill.write(4, to: "east", token: 1, at: 100)
    live.take(drill.operations)
    #expect(live.writes(in: second, before: 100 * second).errorRate == 0.5)
    #expect(live.writes(in: second, before: 100 * second, region: eu).errorRate == 1)
    #expect(live.writes(in: 10 * second, before: 100 * second).acknowledged == 3)
    #expect(live.total.acknowledged == 3)
    #expect(live.highestAcknowledgedToken == 1)
  }
}
