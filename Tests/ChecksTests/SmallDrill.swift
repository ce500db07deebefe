import Checks
import Events

/// A drill of a handful of operations, written by hand, for exact figures. Times are seconds on the recorder's clock.
struct SmallDrill {
  var names = NameTable()
  var operations: [Operation] = []
  var truth = GroundTruth(
    logs: ["east": [], "eu": []],
    fences: [
      "eu": [
        FenceEntry(
          store: "eu", token: 2, mode: .readWrite, holder: "eu", barrierPosition: 1, barrierOriginSequence: -1,
          observed: 20 * second)
      ]
    ],
    grants: [
      GrantRow(token: 1, holder: "east", observed: 1 * second), GrantRow(token: 2, holder: "eu", observed: 19 * second),
    ])

  init() { for name in ["east", "eu", "ap"] { _ = names.node(name) } }

  /// A write by producer `producer` from `region`, acknowledged at `time`.
  mutating func write(
    _ sequence: UInt64, producer: UInt32 = 0, from region: String = "east", to store: String, token: Int64,
    at time: Int64, outcome: Outcome = .ok
  ) {
    operations.append(
      Operation(
        .append, process: producer, event: EventID(producer: producer, sequence: sequence), key: producer,
        keySequence: sequence, node: names.node(store), region: names.node(region), token: token,
        invoked: time * second - 1, completed: time * second, outcome: outcome))
  }

  /// A row in the log of `store` at `position`, seen by its tail at `time`.
  mutating func row(
    _ sequence: UInt64, producer: UInt32 = 0, in store: String, origin: String, token: Int64, position: Int64,
    seen time: Int64
  ) {
    let event = EventID(producer: producer, sequence: sequence)
    truth.logs[store]?.append(
      LogRow(
        store: store, position: position, event: event, origin: origin, originSequence: Int64(sequence) + 1,
        key: producer, keySequence: sequence, token: token))
    operations.append(
      Operation(
        .observe, process: 100, event: event, key: producer, keySequence: sequence, node: names.node(store),
        region: names.node(store), origin: names.node(origin), position: position, invoked: time * second,
        completed: time * second, outcome: .ok))
  }

  var evidence: Evidence {
    Evidence(
      history: HistoryEvidence(operations: operations, names: names), truth: truth,
      faults: [
        FaultInterval(
          id: "cut", kind: "partition", armed: 9 * second, provenSince: 10 * second, disarmed: 40 * second,
          verifiedGone: 40 * second, packetsDropped: 1)
      ],
      milestones: Milestones(
        faultInForce: 10 * second, survivorsNoticed: 12 * second, newStoreSealed: 20 * second, healed: 40 * second,
        quiescent: 60 * second),
      roles: Roles(
        primary: "east", survivor: "eu", stores: ["east", "eu"],
        mirrors: [MirrorDirection(from: "east", to: "eu"), MirrorDirection(from: "eu", to: "east")], consumers: []),
      objectives: Objectives(leaseTTL: 10 * second))
  }
}
