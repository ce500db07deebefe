internal import Events
internal import Support

extension PlantedErrors {
  /// The planted errors of failovers, one or more for each of D1 to D8, D10 and D11.
  public static let failover = PlantedErrors(
    family: "failover", findInClean: { found(in: CleanFailover.record(seed: $0)) },
    errors: recoveryErrors + writerErrors + wayBackErrors)

  private static func found(in record: FailoverRecord) -> Set<Anomaly> {
    Set(examineFailover(record).filter { !$0.findings.isEmpty }.map(\.anomaly))
  }

  private static func error(
    _ name: String, _ expected: Set<Anomaly>,
    _ plant: @escaping @Sendable (inout FailoverRecord, inout SeededRandom) -> Void
  ) -> PlantedError {
    PlantedError(name, expected: expected) { seed in
      var record = CleanFailover.record(seed: seed)
      var random = SeededRandom(seed: seed &+ 1)
      plant(&record, &random)
      return found(in: record)
    }
  }

  private static let recoveryErrors = [
    error("let more records come too late than the objective allows", [.recoveryPointMissed]) { record, _ in
      let last = record.acknowledgedBefore(CleanFailover.lost).suffix(40).map(\.event)
      for event in last { record.makeLate(event) }
    },
    error("let one old record come too late", [.recoveryPointAge]) { record, random in
      let old = record.acknowledgedBefore(CleanFailover.lost - 8_000_000_000).map(\.event)
      if let event = old.randomElement(using: &random) { record.makeLate(event) }
    },
    error("refuse the writes of one partition for too long after the promotion", [.recoveryTimeMissed]) {
      record, random in
      let partition = Int.random(in: 0..<CleanFailover.partitions, using: &random)
      record.changeWrites(until: CleanFailover.promoted + 8_000_000_000, partition) { $0.isAcknowledged = false }
    },
    error("answer one partition too slowly for too long after the promotion", [.recoveryTimeMissed]) {
      record, random in
      let partition = Int.random(in: 0..<CleanFailover.partitions, using: &random)
      record.changeWrites(until: CleanFailover.promoted + 8_000_000_000, partition) { $0.invoked -= 3_000_000_000 }
    },
    error("never acknowledge one class of keys again", [.recoveryTimeMissed]) { record, random in
      guard let lane = record.lanesInUse.randomElement(using: &random) else { return }
      for place in record.writes.indices
      where record.writes[place].lane == lane && record.writes[place].epoch == CleanFailover.newEpoch {
        record.writes[place].isAcknowledged = false
      }
    },
  ]

  private static let writerErrors = [
    error("acknowledge a write of the old reign during the new one", [.dualWriters]) { record, random in
      guard
        let event = record.acknowledgedBefore(CleanFailover.lost - 1_000_000_000).randomElement(using: &random)?.event,
        let place = record.writes.firstIndex(where: { $0.event == event })
      else { return }
      record.writes[place].invoked = CleanFailover.promoted + 3_000_000_000
      record.writes[place].ended = CleanFailover.promoted + 3_005_000_000
    },
    error("leave a record on the old site, undecided", [.divergentSuffix]) { record, _ in
      guard let event = record.divergent.first?.event else { return }
      record.newLog.removeAll { $0.event == event }
      record.disposeOfCommit(event)
    },
    error("lose an acknowledged record on both sites without a report", [.divergentSuffix]) { record, _ in
      guard let event = record.divergent.last?.event else { return }
      record.newLog.removeAll { $0.event == event }
      record.oldLog.removeAll { $0.event == event }
      record.disposeOfCommit(event)
    },
    error("commit behind the fork of the timelines", [.eventStoreFork]) { record, random in
      guard let fork = record.fork,
        let write = record.writes.filter({ !$0.isAcknowledged && $0.epoch < CleanFailover.newEpoch })
          .randomElement(using: &random)
      else { return }
      record.commits?.append(
        FailoverRecord.Commit(
          event: write.event, timeline: fork.parent,
          position: fork.position + UInt64.random(in: 1...500, using: &random)))
    },
  ]

  private static let wayBackErrors = [
    error("carry a record back twice", [.failbackDuplicates]) { record, random in
      record.repeatRow(\.oldLog, &random)
    },
    error("let a record come back to the site that wrote it", [.failbackDuplicates]) { record, random in
      record.repeatRow(\.newLog, &random)
    },
    error("apply an effect twice after a replay", [.replayedEffects]) { record, random in
      guard let row = record.newLog.randomElement(using: &random) else { return }
      record.repeatedEffects?["billing"]?[row.event] = 2
    },
    error("begin the new reign below the numbers of the old one", [.crossFailoverOrder]) { record, random in
      let old = Set(record.oldLog.filter { $0.epoch < CleanFailover.newEpoch }.map(\.key))
      let places = record.newLog.indices.filter {
        record.newLog[$0].epoch == CleanFailover.newEpoch && old.contains(record.newLog[$0].key)
      }
      if let place = places.randomElement(using: &random) { record.newLog[place].keySequence = 0 }
    },
    error("go on changing after the end", [.nonConvergence]) { record, random in
      guard let last = record.snapshots?.indices.last,
        let part = record.snapshots?[last].values.keys.sorted()
          .randomElement(using: &random)
      else { return }
      record.snapshots?[last].values[part] = "another"
    },
  ]
}

/// The edits that the errors are made of.
extension FailoverRecord {
  fileprivate func acknowledgedBefore(_ time: Int64) -> [Write] {
    writes.filter { $0.isAcknowledged && $0.ended < time }
  }

  /// As if `event` had reached the new site only after the heal.
  fileprivate mutating func makeLate(_ event: EventID) {
    guard let place = newLog.firstIndex(where: { $0.event == event }) else { return }
    var row = newLog.remove(at: place)
    row.position = (newLog.filter { $0.partition == row.partition }.map(\.position).max() ?? 0) + 1
    newLog.append(row)
  }

  fileprivate mutating func changeWrites(until time: Int64, _ partition: Int, _ change: (inout Write) -> Void) {
    for place in writes.indices
    where writes[place].epoch == newEpoch && writes[place].ended < time && writes[place].lane.partition == partition {
      change(&writes[place])
    }
  }

  /// What was lost from the logs was never on the new timeline either; that is not the error that was planted.
  fileprivate mutating func disposeOfCommit(_ event: EventID) { commits?.removeAll { $0.event == event } }

  fileprivate mutating func repeatRow(_ log: WritableKeyPath<FailoverRecord, [Row]>, _ random: inout SeededRandom) {
    guard var row = self[keyPath: log].filter({ $0.epoch >= newEpoch }).randomElement(using: &random) else { return }
    row.position = (self[keyPath: log].filter { $0.partition == row.partition }.map(\.position).max() ?? 0) + 1
    self[keyPath: log].append(row)
  }
}
