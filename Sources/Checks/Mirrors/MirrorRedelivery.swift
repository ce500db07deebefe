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

extension MirrorRedelivery {
  /// What became of the records that a partition of a store's log has more than once.
  struct Account: Sendable {
    var findings: [Finding] = []
    var notes: [String] = []
  }

  /// Holds each stretch against what its worker may have carried into this partition after its position was last kept.
  func account(for copies: MirroredCopies) -> Account {
    var account = Account()
    for stretch in copies.stretches {
      // The last end before the records came back; where no tail saw that, the last of all.
      let end = ends.last { $0.target == copies.store && $0.at <= stretch.seen ?? .max }
      let bound = end.map { end in
        copies.arrivals.count {
          $0 >= end.at - positionsEvery - Self.allowance && $0 <= end.at + Self.allowance
        }
      }
      let what = copies.text(of: stretch)
      let why =
        bound.map {
          "\(counted($0, "record")) had come in the \(brief(positionsEvery)) between two keepings of the mirror's position, "
            + "and \(brief(Self.allowance)) around, when its worker ended"
        } ?? "no worker of its mirror had ended before"
      if let bound, stretch.events.count <= bound {
        account.notes.append("\(what): may be, for \(why)")
      } else {
        account.findings.append(
          copies.finding(.duplicateAppend, "\(what): more than the mirror may carry again, for \(why)", of: stretch))
      }
    }
    return account
  }
}
