import Checks
import Events
import Support

/// One second on the recorder's clock.
let second: Int64 = 1_000_000_000
private let millisecond: Int64 = 1_000_000

/// A region blackout that goes well, simulated from a seed: two stores, three regions, the primary cut off from 5 s to 40 s.
///
/// In it happens what happens in a real one: writes of the old reign that are mirrored only after the heal, writes whose outcome
/// stays unknown, an old leader that goes on trying, consumers that are given events twice.
struct CleanDrill {
  static let oldToken: Int64 = 100
  static let newToken: Int64 = 200
  static let faultAt = 1000 * second + 5 * second
  static let demotedAt = faultAt + 8 * second
  static let grantedAt = faultAt + 10 * second
  static let sealedAt = grantedAt + second / 5
  static let healedAt = faultAt + 35 * second
  static let stoppedAt = healedAt + 8 * second
  static let quiescentAt = stoppedAt + 4 * second

  private var random: SeededRandom
  private var names = NameTable()
  private var operations: [Operation] = []
  /// What each store accepted itself, in order.
  private var accepted: [String: [Accepted]] = ["east": [], "eu": []]

  private struct Accepted {
    var time: Int64
    var row: LogRow
  }

  /// The evidence of the drill that belongs to `seed`.
  static func evidence(seed: UInt64 = 1) -> Evidence {
    var drill = CleanDrill(random: SeededRandom(seed: seed))
    return drill.run()
  }

  private init(random: SeededRandom) { self.random = random }

  private mutating func jitter(_ most: Int64) -> Int64 { Int64.random(in: 0..<most, using: &random) }

  private mutating func run() -> Evidence {
    for name in ["east", "eu", "ap"] { _ = names.node(name) }
    for producer in UInt32(0)..<4 { produce(producer, region: ["east", "east", "eu", "ap"][Int(producer)]) }
    tryOldToken(process: 50, from: "east", at: ["east"], since: Self.grantedAt + second / 10)
    tryOldToken(process: 51, from: "eu", at: ["eu"], since: Self.sealedAt + second / 10)
    tryInflatedToken(process: 52)
    let logs = mirror()
    consume(group: "billing-eu", store: "eu", region: "eu", logs)
    consume(group: "billing-ap", store: "east", region: "ap", logs)
    operations.sort { ($0.completed ?? .max, $0.process) < ($1.completed ?? .max, $1.process) }
    return evidence(logs)
  }

  // MARK: Writers

  private mutating func produce(_ producer: UInt32, region: String) {
    var now = 1000 * second + jitter(50 * millisecond)
    var sequence: UInt64 = 0
    var numbers: [UInt32: UInt64] = [:]
    while now < Self.stoppedAt {
      let key = producer * 10 + UInt32.random(in: 0..<4, using: &random)
      let number = numbers[key, default: 0]
      let event = EventID(producer: producer, sequence: sequence)
      var op = Operation(
        .append, process: producer, event: event, key: key, keySequence: number, node: names.node("east"),
        region: names.node(region), token: Self.oldToken, checksum: random.next(), invoked: now)
      let (end, next) = outcome(of: &op, region: region)
      op.completed = end
      operations.append(op)
      now = end + next
      // A refusal is certain, so the same event is tried again; what is unknown is not.
      if case .fail = op.outcome { continue }
      sequence += 1
      numbers[key] = number + 1
    }
  }

  /// Where a write goes at its time and how it ends; when it ends, and the pause after it.
  private mutating func outcome(of op: inout Operation, region: String) -> (end: Int64, pause: Int64) {
    let now = op.invoked
    let end = now + 3 * millisecond + jitter(4 * millisecond)
    let pause = 60 * millisecond + jitter(40 * millisecond)
    let newReign = now > Self.sealedAt && (region != "east" || now > Self.healedAt)
    if newReign {
      op.node = names.node("eu")
      op.token = Self.newToken
      accept(&op, "eu", end)
    } else if region == "east" && now < Self.demotedAt - 10 * millisecond || end < Self.faultAt {
      accept(&op, "east", end)
    } else if region == "east" {
      op.outcome = .fail(names.code("BS423"))
      return (end, second)
    } else {
      // Cut off: the request was swallowed, but nobody can know.
      op.outcome = .unknown(names.code("timeout"))
      return (now + second, pause)
    }
    return (end, pause)
  }

  private mutating func accept(_ op: inout Operation, _ store: String, _ end: Int64) {
    op.outcome = .ok
    let row = LogRow(
      store: store, position: 0, event: op.event, origin: store,
      originSequence: Int64(accepted[store]?.count ?? 0) + 1, key: op.key, keySequence: op.keySequence,
      token: op.token, checksum: op.checksum)
    accepted[store]?.append(Accepted(time: end - millisecond, row: row))
  }

  private mutating func tryOldToken(process: UInt32, from region: String, at stores: [String], since: Int64) {
    var sequence: UInt64 = 0
    for time in stride(from: since, to: Self.stoppedAt, by: Int(second / 2)) {
      for store in stores {
        let readOnly = store == "east"
        operations.append(
          Operation(
            .staleAppend, process: process, event: EventID(producer: process, sequence: sequence), key: 900 + process,
            keySequence: sequence, node: names.node(store), region: names.node(region), token: Self.oldToken,
            invoked: time, completed: time + 2 * millisecond,
            outcome: .fail(names.code(readOnly ? "BS423" : "BS409"))))
        sequence += 1
      }
    }
  }

  private mutating func tryInflatedToken(process: UInt32) {
    for (sequence, store) in ["east", "eu"].enumerated() {
      operations.append(
        Operation(
          .staleAppend, process: process, event: EventID(producer: process, sequence: UInt64(sequence)), key: 990,
          keySequence: UInt64(sequence), node: names.node(store), region: names.node(store),
          token: Self.newToken + 1_000_000, invoked: Self.healedAt + second,
          completed: Self.healedAt + second + millisecond, outcome: .fail(names.code("BS409"))))
    }
  }

  // MARK: Mirrors and consumers

  /// Carries each store's own rows to the other one, tails both, and returns the logs.
  private mutating func mirror() -> [String: [LogRow]] {
    var logs: [String: [LogRow]] = [:]
    for store in ["east", "eu"] {
      // Producers ran one after the other in the simulation; the store took their writes in the order of time.
      accepted[store]?.sort { $0.time < $1.time }
      for place in (accepted[store] ?? []).indices { accepted[store]?[place].row.originSequence = Int64(place) + 1 }
    }
    for (store, other) in [("east", "eu"), ("eu", "east")] {
      var arrivals = accepted[store] ?? []
      var last: Int64 = 0
      for var carried in accepted[other] ?? [] {
        carried.time = max(carried.time + 80 * millisecond + jitter(20 * millisecond), last + 1000)
        if carried.time >= Self.faultAt && carried.time < Self.healedAt {
          carried.time = max(Self.healedAt + second / 2, last + 1000)
        }
        last = carried.time
        carried.row.store = store
        arrivals.append(carried)
      }
      arrivals.sort { $0.time < $1.time }
      logs[store] = arrivals.enumerated().map { place, arrival in
        var row = arrival.row
        row.position = Int64(place) + 1
        observe(row, at: arrival.time + 20 * millisecond)
        return row
      }
    }
    return logs
  }

  private mutating func observe(_ row: LogRow, at time: Int64) {
    operations.append(
      Operation(
        .observe, process: row.store == "east" ? 100 : 101, event: row.event, key: row.key,
        keySequence: row.keySequence, node: names.node(row.store), region: names.node(row.store),
        origin: names.node(row.origin), position: row.position, token: row.token, checksum: row.checksum,
        invoked: time, completed: time, outcome: .ok))
  }

  private mutating func consume(group: String, store: String, region: String, _ logs: [String: [LogRow]]) {
    let index = names.node(store)
    let seen = Dictionary(
      operations.filter { $0.kind == .observe && $0.node == index }.map { ($0.event, $0.invoked) },
      uniquingKeysWith: min)
    var now = 1000 * second
    for (place, row) in (logs[store] ?? []).enumerated() {
      now = max(now, seen[row.event] ?? now) + 2 * millisecond
      var op = Operation(
        .apply, process: 200 + UInt32(names.group(group).rawValue), event: row.event, key: row.key,
        keySequence: row.keySequence, node: names.node(store), region: names.node(region), position: row.position,
        group: names.group(group), committed: row.position, checksum: row.checksum, invoked: now,
        completed: now + millisecond, outcome: .ok)
      operations.append(op)
      guard place % 100 == 99 else { continue }
      op.invoked += millisecond
      op.completed = op.invoked + millisecond
      op.outcome = .fail(names.code("already-applied"))
      operations.append(op)
    }
  }

  // MARK: Ground truth

  private func evidence(_ logs: [String: [LogRow]]) -> Evidence {
    let groups = [("billing-eu", "eu"), ("billing-ap", "east")]
    let truth = GroundTruth(
      logs: logs, fences: fences(logs),
      applied: groups.flatMap { group, store in
        (logs[store] ?? []).map { AppliedRow(group: group, store: store, event: $0.event, times: 1) }
      },
      progress: groups.map { ProgressRow(group: $0, store: $1, position: logs[$1]?.last?.position ?? -1) },
      grants: [
        GrantRow(token: Self.oldToken, holder: "east", observed: 999 * second),
        GrantRow(token: Self.newToken, holder: "eu", observed: Self.grantedAt),
      ])
    return Evidence(
      history: HistoryEvidence(operations: operations, names: names), truth: truth,
      faults: [
        FaultInterval(
          id: "blackout", kind: "partition", armed: Self.faultAt - 2 * millisecond, provenSince: Self.faultAt,
          disarmed: Self.healedAt - millisecond, verifiedGone: Self.healedAt, packetsDropped: 4711,
          brokenPairs: ["east→eu", "eu→east", "east→ap", "ap→east"])
      ],
      milestones: Milestones(
        baselineStart: 1000 * second, baselineEnd: Self.faultAt - second, faultInForce: Self.faultAt,
        leaderLost: Self.faultAt, survivorsNoticed: Self.faultAt + 2 * second, tokenGranted: Self.grantedAt,
        newStoreSealed: Self.sealedAt, oldStoreDemoted: Self.demotedAt, healed: Self.healedAt,
        quiescent: Self.quiescentAt),
      roles: Roles(
        primary: "east", survivor: "eu", stores: ["east", "eu"],
        mirrors: [MirrorDirection(from: "east", to: "eu"), MirrorDirection(from: "eu", to: "east")],
        consumers: groups.map { ConsumerRole(group: $0, store: $1) }),
      objectives: Objectives(leaseTTL: 10 * second, recoveryPoint: 60 * second))
  }

  private func fences(_ logs: [String: [LogRow]]) -> [String: [FenceEntry]] {
    let ownEast = Int64(accepted["east"]?.count ?? 0)
    let demotedEast = Int64(accepted["east"]?.count { $0.time < Self.demotedAt } ?? 0)
    let eastAtDemotion = logs["east"]?.first { $0.origin == "east" && $0.originSequence == demotedEast }?.position ?? -1
    // Before the cut nothing but mirrored rows stands in eu, so their number is the barrier.
    let early = Set(
      operations.filter { $0.kind == .observe && $0.node.rawValue == 1 && ended($0) < Self.sealedAt }.map(\.event))
    let euAtSeal = Int64(early.count)
    return [
      "east": [
        FenceEntry(
          store: "east", token: Self.oldToken, mode: .readWrite, holder: "east", barrierPosition: -1,
          barrierOriginSequence: -1, observed: 999 * second),
        FenceEntry(
          store: "east", token: Self.oldToken, mode: .readOnly, holder: "east", barrierPosition: eastAtDemotion,
          barrierOriginSequence: demotedEast, observed: Self.demotedAt),
        FenceEntry(
          store: "east", token: Self.newToken, mode: .readOnly, holder: "eu", barrierPosition: eastAtDemotion,
          barrierOriginSequence: ownEast, observed: Self.healedAt + second),
      ],
      "eu": [
        FenceEntry(
          store: "eu", token: Self.oldToken, mode: .readOnly, holder: "east", barrierPosition: -1,
          barrierOriginSequence: -1, observed: 999 * second),
        FenceEntry(
          store: "eu", token: Self.newToken, mode: .readWrite, holder: "eu", barrierPosition: euAtSeal,
          barrierOriginSequence: 0, observed: Self.sealedAt),
      ],
    ]
  }

  private func ended(_ op: Operation) -> Int64 { op.completed ?? .max }
}
