internal import Events

/// Records of one origin that stand in one partition of a store's log once more, one behind the other: what one worker carried again.
struct RepeatedStretch: Sendable {
  var events: [EventID]
  var positions: [Int64]
  /// When the first of them was seen (ns); `nil`: no tail saw it.
  var seen: Int64?
}

/// What a mirror has brought into one partition of a store's log more than once.
struct MirroredCopies: Sendable {
  /// One record, in the order of the log.
  struct Record {
    var event: EventID
    var position: Int64
    /// When it was seen (ns), if it is known of this very copy.
    var seen: Int64?
  }

  /// The store whose events they are.
  let origin: String
  /// The store in which they stand.
  let store: String
  /// The partition; `nil`: the store has one log.
  let partition: String?
  /// The copies, in the order of the log.
  private(set) var stretches: [RepeatedStretch] = []
  /// When each event was first seen here (ns), as far as it was.
  private(set) var arrivals: [Int64] = []

  /// Finds the copies among the records that came from `origin`.
  ///
  /// - Parameters:
  ///   - firstSeen: when an event was first seen in the store.
  ///   - seenAgain: when it was seen at another place of it.
  init(
    of origin: String, in store: String, _ partition: String?, _ records: [Record], firstSeen: (EventID) -> Int64?,
    seenAgain: (EventID) -> Int64?
  ) {
    self.origin = origin
    self.store = store
    self.partition = partition
    var met: Set<EventID> = []
    var isRepeating = false
    for record in records {
      let isNew = met.insert(record.event).inserted
      if isNew {
        if let seen = record.seen ?? firstSeen(record.event) { arrivals.append(seen) }
      } else {
        if !isRepeating {
          stretches.append(
            RepeatedStretch(events: [], positions: [], seen: record.seen ?? seenAgain(record.event)))
        }
        stretches[stretches.count - 1].events.append(record.event)
        stretches[stretches.count - 1].positions.append(record.position)
      }
      isRepeating = !isNew
    }
  }

  /// `412 records of east once more in east.orders-2 of eu, from 3/17 at position 900 on`.
  func text(of stretch: RepeatedStretch) -> String {
    let place = partition.map { "\($0) of \(store)" } ?? store
    let first = stretch.events.first.map { "\($0)" } ?? "nothing"
    return "\(counted(stretch.events.count, "record")) of \(origin) once more in \(place), from \(first) at position "
      + "\(stretch.positions.first ?? -1) on"
  }

  /// A stretch as a violation; of its records the first ones are named.
  func finding(_ anomaly: Anomaly, _ what: String, of stretch: RepeatedStretch) -> Finding {
    Finding(
      anomaly, what, events: Array(stretch.events.prefix(Witness.limit)), store: store,
      positions: Array(stretch.positions.prefix(Witness.limit)), times: [stretch.seen].compactMap(\.self))
  }

  /// Each stretch as one violation: of a mirror that promises to carry nothing twice.
  var findings: [Finding] { stretches.map { finding(.mirrorDuplicate, text(of: $0), of: $0) } }
}

extension [MirroredCopies] {
  /// How much a mirror carried again, over all partitions.
  var measures: [Measure] {
    let flows = Dictionary(grouping: self) { "\($0.origin)→\($0.store)" }
    return flows.sorted { $0.key < $1.key }.flatMap { flow, copies in
      let lengths = copies.flatMap { $0.stretches.map(\.events.count) }
      guard !lengths.isEmpty else { return [Measure]() }
      return [
        Measure("\(flow) records carried again", Double(lengths.reduce(0, +)), "records"),
        Measure("\(flow) times the mirror went back", Double(lengths.count), "stretches"),
        Measure("\(flow) longest stretch carried again", Double(lengths.max() ?? 0), "records"),
      ]
    }
  }
}
