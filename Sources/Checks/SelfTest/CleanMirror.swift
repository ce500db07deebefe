internal import Events
internal import Support

/// What was seen of a mirror that does everything right, simulated from a seed: several partitions with holes at both ends and
/// records that are left out on purpose, an outage and the catch-up after it, sync points and checkpoints by the mirror's own
/// rules, groups that keep up and one that idles, a source that cuts off what has long been mirrored.
struct CleanMirror {
  /// One partition, as it really was.
  struct Partition {
    /// A record that is carried, with the times at which it stood at both ends.
    struct Passage {
      var source: MirrorRecord
      var target: MirrorRecord
      var appended: Int64
      var arrived: Int64
    }

    var name: String
    var passages: [Passage] = []
    var filtered: [(time: Int64, record: MirrorRecord)] = []
    var sourceEnd: Int64 = 0
    var targetEnd: Int64 = 0
  }

  static let second: Int64 = 1_000_000_000
  static let start = 1000 * second
  static let stop = start + 40 * second
  static let end = stop + 12 * second
  static let outage = start + 15 * second...start + 22 * second
  static let flow = MirrorDirection(from: "east", to: "eu")
  static let groups = ["billing", "search", "idle"]

  /// What this mirror promises.
  static let expectations = MirrorExpectations(
    flow: flow, freshness: 2 * second, catchUp: 5 * second, checkpointAge: 8 * second, heartbeatGap: 3 * second,
    syncDelay: 2 * second, outages: [outage], isFiltered: { $0.provenance.contains("eu") })

  var partitions: [Partition] = []
  /// Everything but the records of the partitions, in the order of time.
  var others: [MirrorEvent] = []
  private var random: SeededRandom

  init(seed: UInt64) {
    random = SeededRandom(seed: seed, for: "mirror")
    for number in 0..<Int.random(in: 2...3, using: &random) {
      carry("orders-\(number)", UInt32(number), hasIdentity: true)
    }
    carry("plain-0", 9, hasIdentity: false)
    for partition in partitions {
      translate(partition)
      sampleBounds(partition)
    }
    for side in [MirrorSide.source, .target] {
      add(Self.start, .partitions(side, count: partitions.count - 1), "orders")
      for time in [Self.start, Self.stop] { add(time, .topic(side, id: "\(side.rawValue)-1"), "orders") }
    }
    var time = Self.start
    while time < Self.end {
      if !Self.outage.contains(time) { add(time, .heartbeat) }
      time += Self.second + within(Self.second / 20)
    }
    others.sort { $0.time < $1.time }
  }

  private mutating func within(_ most: Int64) -> Int64 { Int64.random(in: 0..<most, using: &random) }

  mutating func add(_ time: Int64, _ content: MirrorEvent.Content, _ partition: String = "") {
    others.append(MirrorEvent(time, content, partition: partition))
  }

  // MARK: Records

  private mutating func carry(_ name: String, _ producer: UInt32, hasIdentity: Bool) {
    var partition = Partition(name: name)
    var sequence: UInt64 = 0
    var arrived = Self.start
    var time = Self.start
    while time < Self.stop {
      time += Self.second / 5 + within(Self.second / 5)
      // Markers and compacted places are holes at the one end and not at the other.
      partition.sourceEnd += Int.random(in: 0..<8, using: &random) == 0 ? 2 : 1
      let event = hasIdentity ? EventID(producer: producer, sequence: sequence) : nil
      sequence += 1
      let source = MirrorRecord(
        event: event, offset: partition.sourceEnd, key: UInt64.random(in: 0..<20, using: &random),
        checksum: random.next())
      guard !hasIdentity || Int.random(in: 0..<12, using: &random) > 0 else {
        var kept = source
        kept.provenance = ["eu"]
        partition.filtered.append((time, kept))
        continue
      }
      arrived = max(arrived + 1, time + Self.second / 10 + within(Self.second / 5))
      if Self.outage.contains(arrived) { arrived = Self.outage.upperBound + within(Self.second / 2) }
      partition.targetEnd += Int.random(in: 0..<15, using: &random) == 0 ? 2 : 1
      var target = source
      target.offset = partition.targetEnd
      target.provenance = ["east"]
      partition.passages.append(
        Partition.Passage(source: source, target: target, appended: time, arrived: arrived))
    }
    partition.sourceEnd += 1
    partition.targetEnd += 1
    partitions.append(partition)
  }

  // MARK: Sync points, checkpoints, groups

  /// Replays the rules of the mirror over one partition, tick by tick.
  private mutating func translate(_ partition: Partition) {
    var syncs: [(time: Int64, point: SyncPoint)] = []
    var rules = SyncEmission(lagMax: 4)
    for passage in partition.passages
    where rules.record(upstream: passage.source.offset, downstream: passage.target.offset) {
      // At most one point every so often is sent; one that is held back stays due.
      guard passage.arrived - (syncs.last?.time ?? 0) > Self.second / 5 else { continue }
      rules.sent()
      let point = SyncPoint(upstream: passage.source.offset, downstream: passage.target.offset)
      syncs.append((passage.arrived + 1, point))
      add(passage.arrived + 1, .sync(point), partition.name)
    }
    for (place, group) in Self.groups.enumerated() { follow(partition, group, syncs, isIdle: place == 2) }
  }

  private mutating func follow(
    _ partition: Partition, _ group: String, _ syncs: [(time: Int64, point: SyncPoint)], isIdle: Bool
  ) {
    let behind = 3 * Self.second / 2 + within(2 * Self.second)
    let idleFrom = Self.start + 12 * Self.second
    func committed(at time: Int64) -> Int64 {
      let read = isIdle ? min(time, idleFrom) : time
      if !isIdle && time > Self.stop + 4 * Self.second { return partition.sourceEnd }
      return partition.passages.first { $0.appended > read - behind }?.source.offset ?? partition.sourceEnd
    }
    var commit = Self.start + 3 * Self.second + within(Self.second)
    while commit < Self.end - Self.second {
      add(
        commit,
        .groupOffset(.source, GroupOffset(group: group, committed: committed(at: commit), members: 1, generation: 1)),
        partition.name)
      commit += 2 * Self.second
    }
    var store = OffsetSyncStore()
    store.start()
    var emission = CheckpointEmission()
    var read = 0
    var target: Int64?
    var time = Self.start + 5 * Self.second + within(Self.second)
    while time < Self.end - Self.second {
      // The task reads sync points a little late; checkpoints pass through the outage no better than records do.
      let delay = within(Self.second)
      while read < syncs.count, syncs[read].time < time - delay {
        store.take(syncs[read].point)
        read += 1
      }
      if !Self.outage.contains(time) {
        if let checkpoint = emission.checkpoint(group, upstream: committed(at: time), store) {
          add(time, .checkpoint(checkpoint), partition.name)
          if let written = GroupOffsetSync.write(checkpoint, target: target, hasMembers: false) { target = written }
        }
        if let target {
          add(
            time + Self.second / 4, .groupOffset(.target, GroupOffset(group: group, committed: target, members: 0)),
            partition.name)
        }
      }
      time += 2 * Self.second
    }
  }

  private mutating func sampleBounds(_ partition: Partition) {
    var time = Self.start + Self.second
    while time < Self.end {
      // What was mirrored ten seconds ago is cut off.
      let start = partition.passages.last { $0.arrived < time - 10 * Self.second }?.source.offset ?? 0
      let appended = partition.passages.last { $0.appended <= time }?.source.offset ?? -1
      let arrived = partition.passages.last { $0.arrived <= time }?.target.offset ?? -1
      add(time, .bounds(.source, start: start, end: appended + 1), partition.name)
      add(time, .bounds(.target, start: 0, end: arrived + 1), partition.name)
      time += 3 * Self.second
    }
  }

  /// Everything in the order in which checks take it.
  var events: [MirrorEvent] {
    var streams = EventStreams()
    for partition in partitions {
      let own = partition.passages.map { (time: $0.appended, record: $0.source) } + partition.filtered
      streams.add(
        own.sorted { $0.record.offset < $1.record.offset }.map {
          MirrorEvent($0.time, .record(.source, $0.record), partition: partition.name)
        })
      streams.add(
        partition.passages.sorted { $0.target.offset < $1.target.offset }.map {
          MirrorEvent($0.arrived, .record(.target, $0.target), partition: partition.name)
        })
    }
    streams.add(others)
    return streams.merged + [MirrorEvent(Self.end, .end)]
  }
}
