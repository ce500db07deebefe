internal import Support

/// Writes out the patterns of a timeline as plain entries, each with an id of its own and a start that counts from the end of
/// the baseline. Pure: what is drawn, is drawn from the seed.
struct Expansion {
  /// An entry and the key path of what it was written as.
  struct Written {
    var entry: TimelineEntry
    var path: String
  }

  /// Something that cannot be written out, and what to write instead.
  struct Mistake: Hashable {
    var path: String
    var what: String
    var fix: String?
  }

  /// When a part has ended, seen from where it was placed.
  enum End {
    /// This long after the beginning it was given.
    case known(Duration)
    /// With the fault of this id.
    case fault(String)
    /// That cannot be said by one time or one fault.
    case open
  }

  /// More would be no drill; a few nested repetitions can ask for billions.
  static let limit = 20_000
  /// Kernel objects carry the id in their names.
  static let longestID = 24

  let topology: Topology
  let seed: UInt64
  private(set) var entries: [Written] = []
  private(set) var mistakes: [Mistake] = []

  /// Writes out `timeline`.
  init(of timeline: [TimelineItem], in topology: Topology, seed: UInt64) {
    self.topology = topology
    self.seed = seed
    for (index, item) in timeline.enumerated() {
      guard entries.count <= Self.limit else { break }
      _ = place(item, at: item.start, suffix: "", path: "timeline[\(index)]")
    }
    guard entries.count > Self.limit else { return }
    // What stopped half-way is not worth a second look.
    entries = []
    mistakes = [
      Mistake(path: "timeline", what: "comes to more than \(Self.limit) disturbances", fix: "repeat less often")
    ]
  }

  mutating func mistake(_ path: String, _ what: String, fix: String? = nil) {
    mistakes.append(Mistake(path: path, what: what, fix: fix))
  }

  mutating func append(_ entry: TimelineEntry, path: String) {
    if entry.id.utf8.count > Self.longestID {
      mistake(
        "\(path).id",
        "the disturbance '\(entry.id)' that it comes to has more than \(Self.longestID) characters in its id",
        fix: "choose a shorter id")
    }
    entries.append(Written(entry: entry, path: path))
  }

  /// Writes out one part that begins at `start`; `suffix` marks the round of the repetitions around it.
  mutating func place(_ item: TimelineItem, at start: TimelineStart, suffix: String, path: String) -> End {
    guard entries.count <= Self.limit else { return .open }
    switch item {
    case .entry(var entry):
      entry.id += suffix
      entry.start = start
      append(entry, path: path)
      switch entry.stop {
      case .after(let hold): return .known(hold)
      case .until: return .fault(entry.id)
      case .healed: return .open
      }
    case .sequence(let sequence): return place(sequence, at: start, suffix: suffix, path: path)
    case .parallel(let group): return place(group, at: start, suffix: suffix, path: path)
    case .repetition(let repetition): return place(repetition, at: start, suffix: suffix, path: path)
    case .swizzle(let swizzle): return place(swizzle, at: start, suffix: suffix, path: path)
    case .ramp(let ramp): return place(ramp, at: start, suffix: suffix, path: path)
    }
  }
}

/// The common beginning of several parts, from which each has its distance.
struct Beginning {
  private let start: TimelineStart
  private var leader: String?

  init(_ start: TimelineStart) { self.start = start }

  /// The first fault of the pattern, once it is known: what begins `when` something holds has no other mark to count from.
  mutating func lead(by id: String?) {
    if leader == nil { leader = id }
  }

  /// The start that is `offset` later; `nil` when nothing marks that moment.
  func plus(_ offset: Duration) -> TimelineStart? {
    switch start {
    case .at(let time): .at(time + offset)
    case .after(let anchor, let delay): .after(anchor, delay: delay + offset)
    case .when:
      if let leader {
        .after(.faultBegun(leader), delay: offset)
      } else {
        offset == .zero ? start : nil
      }
    }
  }
}
