internal import Support

/// When a drill is killed: a point of its journal, and how long after it.
struct KillMoment: Sendable, Hashable {
  /// The point in the journal.
  enum Point: String, Sendable {
    /// The record that is written before the kernel is asked: nodes not yet, half and just armed.
    case arming
    /// The fault was proven to be in force.
    case held
    /// The record that is written before the fault is taken back, which a SIGTERM brings about.
    case disarming
  }

  var point: Point
  /// How long after the record is seen.
  var delay: Duration

  /// One moment for each drill, drawn from `seed`: of five, three while the fault is held, one while it is armed, one
  /// while it is taken back.
  static func draw(_ count: Int, seed: UInt64) -> [KillMoment] {
    var random = SeededRandom(seed: seed, for: "kill-sweep")
    return (0..<count).map { index in
      switch index % 5 {
      // A journal record and a batch take some milliseconds together, so this falls before, into and after the arming.
      case 1: KillMoment(point: .arming, delay: .microseconds(Int64.random(in: 0...12_000, using: &random)))
      case 3: KillMoment(point: .disarming, delay: .microseconds(Int64.random(in: 0...12_000, using: &random)))
      default: KillMoment(point: .held, delay: .microseconds(Int64.random(in: 0...1_500_000, using: &random)))
      }
    }
  }
}
