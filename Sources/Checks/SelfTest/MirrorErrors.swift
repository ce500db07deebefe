internal import Events
internal import Support

extension PlantedErrors {
  /// The planted errors of mirrors, one or more for each of M1 to M13 and M15 to M19.
  public static let mirrors = PlantedErrors(
    family: "mirrors", findInClean: { foundInMirror(CleanMirror(seed: $0).events) },
    errors: recordErrors + logErrors + checkpointErrors + groupErrors)

  private static func foundInMirror(_ events: [MirrorEvent]) -> Set<Anomaly> {
    var checks = MirrorChecks(CleanMirror.expectations)
    for event in events { checks.take(event) }
    // A record cut down by minimising may have lost its end; what is there is judged.
    if events.last?.content != .end { checks.take(MirrorEvent(events.last?.time ?? 0, .end)) }
    return Set(checks.drain().compactMap { Anomaly(rawValue: $0.anomaly) })
  }

  private static func error(
    _ name: String, _ expected: Set<Anomaly>,
    _ plant: @escaping @Sendable (inout [MirrorEvent], inout SeededRandom) -> Void
  ) -> PlantedError {
    PlantedError(
      name, expected: expected,
      record: { seed in
        var random = SeededRandom(seed: seed, for: "error")
        var events: [MirrorEvent] = []
        // Not every record has a place for every error: an error that changed nothing was not planted, and the record is drawn
        // again. Where none of them has a place, it is missed.
        for attempt in 0..<UInt64(20) {
          let clean = CleanMirror(seed: seed &+ attempt << 32).events
          events = clean
          plant(&events, &random)
          if events != clean { break }
        }
        return events
      }, check: foundInMirror)
  }

  // MARK: Records

  private static let recordErrors = [
    error("leave a record out", [.mirrorMissing]) { events, random in
      if let place = events.targetRecord("orders-0", &random) { events.remove(at: place) }
    },
    error("repeat a stretch of records", [.mirrorDuplicate]) { events, random in
      guard let place = events.targetRecord("orders-0", &random) else { return }
      let run = events.targetRecords("orders-0").filter { $0 >= place }.prefix(3).map { events[$0] }
      for event in run { events.append(atTheEndOf: "orders-0", event) }
    },
    error("swap two records", [.mirrorReorder]) { events, random in
      // Where no group would go on between the two: it would skip one of them, which is another error.
      let places = events.targetRecords("orders-0")
      // Nor where a sync point speaks of one of them.
      let stops = events.targetOffsets("orders-0")
      let points = Set(events.filter { $0.partition == "orders-0" }.compactMap(\.sync?.downstream))
      let from = Int.random(in: 20..<40, using: &random)
      for (one, other) in zip(places.dropFirst(from), places.dropFirst(from + 1)) {
        guard let first = events[one].record, let second = events[other].record,
          !stops.contains(where: { $0 > first.offset && $0 <= second.offset }),
          points.isDisjoint(with: [first.offset, second.offset])
        else { continue }
        events[one].record = second.at(first.offset)
        events[other].record = first.at(second.offset)
        return
      }
    },
    error("change a record's content", [.mirrorMutation]) { events, random in
      if let place = events.targetRecord("orders-1", &random) { events[place].record?.checksum? ^= 1 }
    },
    error("change a record's key", [.mirrorMutation]) { events, random in
      if let place = events.targetRecord("orders-1", &random) { events[place].record?.key += 100 }
    },
    error("put a record into another partition", [.mirrorMutation]) { events, random in
      guard let place = events.targetRecord("orders-0", &random) else { return }
      let event = events.remove(at: place)
      events.append(atTheEndOf: "orders-1", event)
    },
    error("send a record in a circle", [.mirrorLoop]) { events, random in
      if let place = events.targetRecord("orders-0", &random) { events[place].record?.provenance = ["eu", "east"] }
    },
  ]

  // MARK: Logs

  private static let logErrors = [
    error("add a record that the source never had", [.mirrorDivergence]) { events, random in
      guard let place = events.targetRecord("orders-0", &random) else { return }
      var event = events[place]
      event.record?.event = EventID(producer: 77, sequence: 0)
      events.append(atTheEndOf: "orders-0", event)
    },
    error("change a record that bears no identity", [.mirrorDivergence]) { events, random in
      if let place = events.targetRecord("plain-0", &random) { events[place].record?.checksum? ^= 1 }
    },
    error("add a partition at the source only", [.mirrorDivergence]) { events, _ in
      events.insert(
        MirrorEvent(events[0].time, .partitions(.source, count: 9), partition: "orders"), at: events.count - 1)
    },
    error("cut off the source's log while the mirror is away", [.truncationSkip]) { events, _ in
      // In the middle of the outage everything that waits is cut off.
      let time = CleanMirror.outage.lowerBound + 5 * CleanMirror.second
      let gone = Set(
        events.sourceRecords("orders-0").map { events[$0] }.filter { $0.time < time }.compactMap(\.record?.event))
      guard let last = events.sourceRecords("orders-0").last(where: { events[$0].time < time }),
        let start = events[last].record?.offset
      else { return }
      events.removeAll {
        guard case .record(.target, let record) = $0.content, let event = record.event else { return false }
        return $0.partition == "orders-0" && $0.time >= CleanMirror.outage.lowerBound && gone.contains(event)
      }
      events.insert(
        MirrorEvent(time, .bounds(.source, start: start + 1, end: start + 1), partition: "orders-0"), at: last + 1)
    },
    error("make a topic of the source anew", [.topicRecreated]) { events, random in
      let time = CleanMirror.start + Int64.random(in: 5...35, using: &random) * CleanMirror.second
      guard let place = events.firstIndex(where: { $0.time > time }) else { return }
      for later in events.indices[place...] {
        if case .topic(.source, _) = events[later].content { events[later].content = .topic(.source, id: "source-2") }
      }
    },
    error("get stuck", [.lagNotZero]) { events, random in
      let time = CleanMirror.stop - Int64.random(in: 3...8, using: &random) * CleanMirror.second
      // A mirror that is stuck has nothing cut off behind it, or it would be another error.
      events.removeAll {
        guard $0.partition == "orders-1", $0.time > time else { return false }
        switch $0.content {
        case .record(.target, _), .bounds(.source, _, _): return true
        case .record, .bounds, .partitions, .topic, .sync, .syncGap, .checkpoint, .groupOffset, .heartbeat, .restarted,
          .end:
          return false
        }
      }
    },
    error("stop the heartbeats", [.heartbeatGap]) { events, random in
      let time = CleanMirror.start + Int64.random(in: 25...40, using: &random) * CleanMirror.second
      events.removeAll { $0.content == .heartbeat && $0.time > time && $0.time < time + 6 * CleanMirror.second }
    },
  ]

  // MARK: Checkpoints

  private static let checkpointErrors = [
    error("translate an offset too far", [.translationOvershoot]) { events, random in
      // As far as the mirror had come, and never lower from there on.
      var reach: Int64 = 0
      let from = events.count / 3 + Int.random(in: 0..<events.count / 10, using: &random)
      var planted: Int64 = .min
      for place in events.indices {
        guard events[place].partition == "orders-0" else { continue }
        if case .record(.target, let record) = events[place].content { reach = record.offset }
        guard case .checkpoint(var checkpoint) = events[place].content, checkpoint.group == "billing" else { continue }
        if place > from, planted == .min, events.readsAhead(of: checkpoint, "orders-0", by: 3, upTo: place) {
          planted = reach + 1
        }
        checkpoint.downstream = max(checkpoint.downstream, planted)
        events[place].content = .checkpoint(checkpoint)
      }
    },
    error("translate an offset to what no sync point explains", [.translationUnexplained]) { events, _ in
      // The last of a group, and no further than it has read: nothing else is wrong with it.
      for place in events.indices.reversed() {
        guard case .checkpoint(var checkpoint) = events[place].content else { continue }
        let partition = events[place].partition
        guard !events[(place + 1)...].contains(where: { $0.isCheckpoint(of: checkpoint.group, partition) }) else {
          continue
        }
        // Where sync points lie side by side, one further is explained by the next one.
        for _ in 0..<6 {
          checkpoint.downstream += 1
          guard events.haveRead(checkpoint, partition) else { break }
          guard !events.explain(checkpoint, partition) else { continue }
          events[place].content = .checkpoint(checkpoint)
          return
        }
      }
    },
    error("write a sync point of another record", [.syncPointFalse]) { events, random in
      // One that no checkpoint was made from, and that still stands below the next one. Its offset at the source stays: the mirror
      // chooses by it which sync points it keeps.
      let syncs = events.indices.filter { events[$0].partition == "orders-0" && events[$0].sync != nil }
      let used = events.targetOffsets("orders-0")
      let records = Set(events.targetRecords("orders-0").compactMap { events[$0].record?.offset })
      let unused = zip(syncs, syncs.dropFirst()).filter { place, next in
        guard let point = events[place].sync?.downstream, let after = events[next].sync?.downstream else {
          return false
        }
        return after > point + 1 && records.contains(point + 1) && used.isDisjoint(with: [point, point + 1, point + 2])
      }
      guard let place = unused.randomElement(using: &random)?.0, var point = events[place].sync else { return }
      point.downstream += 1
      events[place].content = .sync(point)
    },
    error("translate an offset lower than the sync points explain", [.translationUndershoot]) { events, _ in
      guard let place = events.firstIndex(where: { $0.isCheckpoint(of: "search", "orders-1") }),
        case .checkpoint(var checkpoint) = events[place].content
      else { return }
      checkpoint.downstream = 0
      events[place].content = .checkpoint(checkpoint)
    },
    error("translate an offset beyond the end of the log", [.translationBeyondEnd]) { events, _ in
      guard let place = events.lastIndex(where: { $0.isCheckpoint(of: "billing", "orders-0") }),
        case .checkpoint(var checkpoint) = events[place].content,
        let last = events.sourceRecords("orders-0").last.flatMap({ events[$0].record })
      else { return }
      // Of a group that has read everything: it has nothing left to skip.
      checkpoint.upstream = last.offset + 1
      checkpoint.downstream += 500
      events[place].content = .checkpoint(checkpoint)
    },
    error("emit a checkpoint from a table that has thinned out since", [.checkpointRegress]) { events, _ in
      guard let last = events.lastIndex(where: { $0.isCheckpoint(of: "idle", "orders-0") }),
        case .checkpoint(let checkpoint) = events[last].content
      else { return }
      var store = OffsetSyncStore()
      store.start()
      for place in events.indices where events[place].partition == "orders-0" {
        guard case .sync(let point) = events[place].content else { continue }
        store.take(point)
        guard place > last, let lower = store.translate(checkpoint.upstream).offset, lower < checkpoint.downstream
        else {
          continue
        }
        var again = checkpoint
        again.downstream = lower
        events.insert(
          MirrorEvent(events[place].time, .checkpoint(again), partition: "orders-0"), at: place + 1)
        return
      }
    },
    error("never emit a checkpoint for a group", [.checkpointStale]) { events, _ in
      events.removeAll { $0.isCheckpoint(of: "search", "orders-1") }
    },
    error("stop to emit checkpoints", [.checkpointStale]) { events, random in
      let time = CleanMirror.start + Int64.random(in: 24...28, using: &random) * CleanMirror.second
      events.removeAll { $0.isCheckpoint(of: "billing", "orders-0") && $0.time > time }
    },
    error("restart the checkpoint task before a group has its first checkpoint", [.checkpointStale]) { events, _ in
      events.removeAll { $0.isCheckpoint(of: "idle", "orders-0") }
      let time = CleanMirror.stop + 2 * CleanMirror.second
      guard let place = events.firstIndex(where: { $0.time > time }) else { return }
      events.insert(MirrorEvent(time, .restarted), at: place)
    },
  ]

  // MARK: Groups

  private static let groupErrors = [
    error("move a group's offset at the target back", [.groupOffsetClobber]) { events, random in
      guard let place = events.groupOffset("billing", "orders-0", from: 6, &random),
        case .groupOffset(.target, var offset) = events[place].content, let committed = offset.committed
      else { return }
      offset.committed = committed - 5
      events.insert(
        MirrorEvent(events[place].time, .groupOffset(.target, offset), partition: "orders-0"), at: place + 1)
    },
    error("move a group's offset under its members", [.groupOffsetClobber]) { events, random in
      let offsets = events.indices.filter {
        guard case .groupOffset(.target, let offset) = events[$0].content else { return false }
        return offset.group == "search" && events[$0].partition == "orders-1"
      }
      func committed(_ place: Int) -> Int64? {
        guard case .groupOffset(.target, let offset) = events[place].content else { return nil }
        return offset.committed
      }
      let moves = zip(offsets, offsets.dropFirst()).dropFirst(4).filter { committed($0) != committed($1) }.map(\.1)
      guard let next = moves.randomElement(using: &random), case .groupOffset(.target, var moved) = events[next].content
      else { return }
      moved.members = 2
      moved.generation = -1
      events[next].content = .groupOffset(.target, moved)
    },
    error("copy a group's offset as it is", [.translationOvershoot]) { events, _ in
      // The source has more holes: its offsets run ahead of the target's.
      let raw = Int64(30)
      let time = CleanMirror.start + 32 * CleanMirror.second
      for place in events.indices where events[place].partition == "orders-0" && events[place].time > time {
        guard case .groupOffset(.target, var offset) = events[place].content, offset.group == "idle" else { continue }
        offset.committed = (offset.committed ?? 0) + raw
        events[place].content = .groupOffset(.target, offset)
      }
    },
  ]
}

extension MirrorEvent {
  fileprivate var record: MirrorRecord? {
    get {
      guard case .record(_, let record) = content else { return nil }
      return record
    }
    set {
      guard case .record(let side, _) = content, let newValue else { return }
      content = .record(side, newValue)
    }
  }

  fileprivate func isCheckpoint(of group: String, _ partition: String) -> Bool {
    guard case .checkpoint(let checkpoint) = content else { return false }
    return checkpoint.group == group && self.partition == partition
  }
}

extension MirrorEvent {
  fileprivate var sync: SyncPoint? {
    guard case .sync(let point) = content else { return nil }
    return point
  }
}

extension MirrorRecord {
  fileprivate func at(_ offset: Int64) -> MirrorRecord {
    var record = self
    record.offset = offset
    return record
  }
}

extension [MirrorEvent] {
  /// The places of a partition's records at the target.
  fileprivate func targetRecords(_ partition: String) -> [Int] {
    indices.filter {
      guard case .record(.target, _) = self[$0].content else { return false }
      return self[$0].partition == partition
    }
  }

  fileprivate func sourceRecords(_ partition: String) -> [Int] {
    indices.filter {
      guard case .record(.source, _) = self[$0].content else { return false }
      return self[$0].partition == partition
    }
  }

  /// One of them, neither among the first nor among the last.
  fileprivate func targetRecord(_ partition: String, _ random: inout SeededRandom) -> Int? {
    targetRecords(partition).dropFirst(10).dropLast(10).randomElement(using: &random)
  }

  /// Every target offset from which a group would go on.
  fileprivate func targetOffsets(_ partition: String) -> Set<Int64> {
    Set(
      compactMap { event in
        guard event.partition == partition else { return nil }
        switch event.content {
        case .checkpoint(let checkpoint): return checkpoint.downstream
        case .groupOffset(.target, let offset): return offset.committed
        case .record, .bounds, .partitions, .topic, .sync, .syncGap, .groupOffset, .heartbeat, .restarted, .end:
          return nil
        }
      })
  }

  /// Writes a record to the target once more, behind everything that stands there.
  fileprivate mutating func append(atTheEndOf partition: String, _ event: MirrorEvent) {
    guard let last = targetRecords(partition).last, let offset = self[last].record?.offset else { return }
    var event = event
    event.partition = partition
    event.time = self[last].time
    event.record?.offset = offset + 1
    insert(event, at: last + 1)
  }

  /// Whether a sync point of the partition explains a checkpoint.
  fileprivate func explain(_ checkpoint: Checkpoint, _ partition: String) -> Bool {
    contains { event in
      guard event.partition == partition, let point = event.sync else { return false }
      return point.downstream == checkpoint.downstream && point.upstream == checkpoint.upstream
        || point.downstream == checkpoint.downstream - 1 && point.upstream < checkpoint.upstream
    }
  }

  /// Whether the group of a checkpoint has read everything that stands before it at the target, and the target reaches so far.
  fileprivate func haveRead(_ checkpoint: Checkpoint, _ partition: String) -> Bool {
    let unread = Set(
      sourceRecords(partition).compactMap { self[$0].record }.filter { $0.offset >= checkpoint.upstream }.compactMap(
        \.event))
    let records = targetRecords(partition).compactMap { self[$0].record }
    guard checkpoint.downstream <= records.last?.offset ?? .min else { return false }
    return !records.contains { record in
      record.offset < checkpoint.downstream && record.event.map(unread.contains) ?? true
    }
  }

  /// Whether the mirror had carried at least `count` records that the group of a checkpoint had not read.
  fileprivate func readsAhead(of checkpoint: Checkpoint, _ partition: String, by count: Int, upTo place: Int) -> Bool {
    let ahead = targetRecords(partition).filter { $0 < place }.compactMap { self[$0].record?.event }
    let unread = Set(
      sourceRecords(partition).compactMap { self[$0].record }.filter { $0.offset >= checkpoint.upstream }.compactMap(
        \.event))
    return ahead.count(where: unread.contains) >= count
  }

  /// The place of one of a group's offsets at the target, not among the first.
  fileprivate func groupOffset(_ group: String, _ partition: String, from: Int, _ random: inout SeededRandom) -> Int? {
    indices.filter {
      guard case .groupOffset(.target, let offset) = self[$0].content else { return false }
      return offset.group == group && self[$0].partition == partition
    }.dropFirst(from).dropLast(4).randomElement(using: &random)
  }
}
