internal import Support

/// When communications are due, apart from all input and output: anchors that have happened turn them into times.
struct CommunicationSchedule: Sendable {
  /// One communication.
  struct Entry: Sendable, Hashable {
    /// Its id.
    var id: String
    /// What its time counts from.
    var anchor: String
    /// How long after it, in the time of people.
    var due: Duration
    /// How late it may be, in the time of people.
    var grace: Duration
  }

  /// How one communication went.
  enum Outcome: Sendable, Hashable {
    case sent(at: Int64)
    case failed(String)
  }

  private let speed: Double
  private let entries: [Entry]
  private var anchors: [String: Int64] = [:]
  private(set) var outcomes: [String: Outcome] = [:]

  /// Nothing has happened yet.
  ///
  /// - Parameter speed: how much faster than real time passes.
  init(_ entries: [Entry], speed: Double) {
    precondition(speed > 0, "time must pass")
    self.entries = entries
    self.speed = speed
  }

  /// Notes that something happened that times count from; the first time counts.
  mutating func happened(_ anchor: String, at time: Int64) {
    anchors[anchor] = anchors[anchor] ?? time
  }

  /// When a communication is due (ns); `nil` while its anchor has not happened.
  func due(_ entry: Entry) -> Int64? { anchors[entry.anchor].map { $0 + scaled(entry.due) } }

  /// Communications that are due and neither sent nor failed, the longest overdue first.
  func ready(at now: Int64) -> [Entry] {
    pending.filter { (due($0) ?? .max) <= now }.sorted { (due($0) ?? 0, $0.id) < (due($1) ?? 0, $1.id) }
  }

  /// When the next one is due; `nil` when none that is pending has its anchor.
  var next: Int64? { pending.compactMap(due).min() }

  /// Those that have neither been sent nor failed.
  var pending: [Entry] { entries.filter { outcomes[$0.id] == nil } }

  /// Notes how one went; returns how late it was (ns), beyond its grace, if it was.
  mutating func conclude(_ entry: Entry, _ outcome: Outcome) -> Int64? {
    outcomes[entry.id] = outcome
    guard case .sent(let time) = outcome, let due = due(entry) else { return nil }
    let late = time - due - scaled(entry.grace)
    return late > 0 ? late : nil
  }

  private func scaled(_ duration: Duration) -> Int64 { Int64(Double(duration.nanoseconds) / speed) }
}
