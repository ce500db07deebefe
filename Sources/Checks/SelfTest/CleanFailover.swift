internal import Events
internal import Support

/// A failover that goes well, made from a seed: three partitions, two classes of keys, an old site that is cut off and demoted,
/// a new one that takes over, the heal, and the way back.
struct CleanFailover {
  static let oldEpoch: Int64 = 7
  static let newEpoch: Int64 = 9
  static let lost: Int64 = 20_000_000_000
  static let silent: Int64 = lost + 400_000_000
  static let promoted: Int64 = 30_000_000_000
  static let healed: Int64 = 45_000_000_000
  static let stopped: Int64 = 60_000_000_000
  static let partitions = 3
  static let classes = ["gold", "silver"]

  private static let mirrorLag: Int64 = 150_000_000
  private static let pause: Int64 = 200_000_000

  private var random: SeededRandom
  private var positions: [String: [Int: Int64]] = [:]
  private var commits: [FailoverRecord.Commit] = []
  private var logPosition: UInt64 = 1000

  /// The record that belongs to `seed`.
  static func record(seed: UInt64) -> FailoverRecord {
    var failover = CleanFailover(random: SeededRandom(seed: seed))
    return failover.run()
  }

  private init(random: SeededRandom) { self.random = random }

  private mutating func jitter(_ most: Int64) -> Int64 { Int64.random(in: 0..<most, using: &random) }

  private mutating func run() -> FailoverRecord {
    var record = FailoverRecord(
      from: "east", to: "eu", newEpoch: Self.newEpoch, lost: Self.lost, promoted: Self.promoted, healed: Self.healed,
      barrier: [:], writes: [], oldLog: [], newLog: [])
    var late: [FailoverRecord.Row] = []
    var attempts: [(time: Int64, producer: UInt32)] = []
    for producer in UInt32(0)..<6 {
      var time = jitter(Self.pause)
      while time < Self.stopped {
        attempts.append((time, producer))
        time += Self.pause / 2 + jitter(Self.pause)
      }
    }
    attempts.sort { ($0.time, $0.producer) < ($1.time, $1.producer) }
    var sequences: [UInt32: UInt64] = [:]
    var numbers: [UInt32: UInt64] = [:]
    for (time, producer) in attempts {
      if time >= Self.promoted && record.barrier.isEmpty { record.barrier = positions["eu"] ?? [:] }
      let event = EventID(producer: producer, sequence: sequences[producer, default: 0])
      sequences[producer, default: 0] += 1
      let key = producer * 2 + UInt32.random(in: 0..<2, using: &random)
      let lane = FailoverRecord.Lane(
        partition: Int(producer) % Self.partitions, keyClass: Self.classes[Int(producer) / Self.partitions])
      let isNew = time >= Self.promoted
      // From the loss on only what was on its way is still acknowledged; until the promotion nobody answers.
      let isAcknowledged = isNew || time < Self.silent
      record.writes.append(
        FailoverRecord.Write(
          event: event, lane: lane, site: isNew ? "eu" : "east", epoch: isNew ? Self.newEpoch : Self.oldEpoch,
          invoked: time, ended: time + 2_000_000 + jitter(3_000_000), isAcknowledged: isAcknowledged))
      guard isAcknowledged else { continue }
      let row = FailoverRecord.Row(
        event: event, partition: lane.partition, position: 0, key: key, keySequence: numbers[key, default: 0],
        epoch: isNew ? Self.newEpoch : Self.oldEpoch)
      numbers[key, default: 0] += 1
      if isNew {
        append(row, to: &record.newLog, "eu")
        append(row, to: &record.oldLog, "east")
      } else {
        append(row, to: &record.oldLog, "east")
        if time < Self.lost - Self.mirrorLag { append(row, to: &record.newLog, "eu") } else { late.append(row) }
      }
      commit(event, isNew: isNew, isLate: !isNew && time >= Self.lost - Self.mirrorLag)
    }
    // After the heal, what the new site lacks is carried over, behind what it has written itself.
    for row in late { append(row, to: &record.newLog, "eu") }
    record.writes.sort { ($0.ended, $0.event) < ($1.ended, $1.event) }
    finish(&record, late.count)
    return record
  }

  private mutating func append(_ row: FailoverRecord.Row, to log: inout [FailoverRecord.Row], _ site: String) {
    var row = row
    // Control records leave holes.
    row.position = positions[site, default: [:]][row.partition, default: -1] + (jitter(20) == 0 ? 2 : 1)
    positions[site, default: [:]][row.partition] = row.position
    log.append(row)
  }

  /// Timeline 2 leaves timeline 1 behind the last commit that came over; what is behind it is written again on timeline 2.
  private mutating func commit(_ event: EventID, isNew: Bool, isLate: Bool) {
    logPosition += 100
    commits.append(FailoverRecord.Commit(event: event, timeline: isNew ? 2 : 1, position: logPosition))
    if isLate { commits.append(FailoverRecord.Commit(event: event, timeline: 2, position: logPosition + 1_000_000)) }
  }

  private mutating func finish(_ record: inout FailoverRecord, _ late: Int) {
    record.limits.missing = 30
    record.limits.recoveryPoint = 5_000_000_000
    record.limits.recoveryTime = 15_000_000_000
    record.dispositions = [:]
    record.replays = ["billing": late, "search": Int(jitter(40))]
    record.repeatedEffects = ["billing": [:], "search": [:]]
    record.effects = 2 * record.newLog.count
    record.commits = commits
    let carried = commits.filter { $0.timeline == 1 }.dropLast(late)
    record.fork = FailoverRecord.Fork(parent: 1, timeline: 2, position: carried.last?.position ?? 0)
    let end = [
      "log eu": "\(record.newLog.count) records", "log east": "\(record.oldLog.count) records", "leader": "eu",
    ]
    var before = end
    before["log east"] = "\(record.oldLog.count - 10) records"
    record.snapshots = [
      StateSnapshot(time: Self.healed + 2_000_000_000, values: before),
      StateSnapshot(time: Self.stopped + 1_000_000_000, values: end),
      StateSnapshot(time: Self.stopped + 3_000_000_000, values: end),
    ]
  }
}
