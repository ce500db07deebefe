internal import Events

/// What mirrors that deliver at least once may carry again: all that they brought after their position was last kept.
public struct MirrorRedelivery: Sendable, Hashable, Codable {
  /// The end of a mirror's worker, as the kernel told whoever watched it.
  public struct End: Sendable, Hashable, Codable {
    /// The cluster that it wrote to.
    public var target: String
    /// When it was known (ns, on the recorder's clock).
    public var at: Int64

    /// An end of the worker that wrote to `target`.
    public init(into target: String, at: Int64) {
      self.target = target
      self.at = at
    }
  }

  /// How often positions are kept (ns).
  public var positionsEvery: Int64
  /// The ends of workers, in the order of time.
  public var ends: [End]

  /// A promise and what put it to the test.
  public init(positionsEvery: Int64, ends: [End]) {
    self.positionsEvery = positionsEvery
    self.ends = ends.sorted { $0.at < $1.at }
  }

  /// Beside the interval: how long the keeping itself takes, and how late a tail of the log sees what was written (ns).
  static let allowance: Int64 = 1_000_000_000
}

/// Records of one origin that stand in a store's log once more, one behind the other: what one worker carried again.
struct RepeatedStretch: Sendable {
  var rows: [LogRow]
  /// When the first of them was seen (ns); `nil`: no tail saw it.
  var seen: Int64?
}

extension MirrorRedelivery {
  /// What became of the records that a store's log has more than once.
  struct Account: Sendable {
    var findings: [Finding] = []
    var notes: [String] = []
    var measures: [Measure] = []
  }

  /// Holds each stretch against what its worker may have carried after its position was last kept.
  ///
  /// - Parameters:
  ///   - stretches: in the order of the log.
  ///   - arrivals: when each event of the origin was first seen in the store.
  func account(
    for stretches: [RepeatedStretch], of origin: String, in store: String, arrivals: [Int64]
  ) -> Account {
    var account = Account()
    for stretch in stretches {
      guard let first = stretch.rows.first else { continue }
      let events = stretch.rows.map(\.event)
      // The last end before the records came back; where no tail saw that, the last of all.
      let end = ends.last { $0.target == store && $0.at <= stretch.seen ?? .max }
      let bound = end.map { end in
        arrivals.count {
          $0 >= end.at - positionsEvery - Self.allowance && $0 <= end.at + Self.allowance
        }
      }
      let what =
        "\(counted(events.count, "record")) of \(origin) once more in \(store), from \(first.event) at position "
        + "\(first.position) on"
      let why =
        bound.map {
          "\(counted($0, "record")) had come in the \(brief(positionsEvery)) between two keepings of the mirror's position, "
            + "and \(brief(Self.allowance)) around, when its worker ended"
        } ?? "no worker of its mirror had ended before"
      if let bound, events.count <= bound {
        account.notes.append("\(what): may be, for \(why)")
      } else {
        account.findings.append(
          Finding(
            .duplicateAppend, "\(what): more than the mirror may carry again, for \(why)", events: events, store: store,
            positions: stretch.rows.map(\.position), times: [stretch.seen].compactMap(\.self)))
      }
    }
    guard !stretches.isEmpty else { return account }
    let flow = "\(origin)→\(store)"
    let lengths = stretches.map(\.rows.count)
    account.measures = [
      Measure("\(flow) records carried again", Double(lengths.reduce(0, +)), "records"),
      Measure("\(flow) times the mirror went back", Double(lengths.count), "stretches"),
      Measure("\(flow) longest stretch carried again", Double(lengths.max() ?? 0), "records"),
    ]
    return account
  }
}
