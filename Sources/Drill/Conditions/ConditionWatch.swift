internal import Scenarios
internal import Support

/// What was seen of a condition's subject at one moment. No data is not true, and not false either.
struct Look: Sendable, Hashable {
  /// Whether it holds; `nil`: there is no data that could tell.
  var holds: Bool?
  /// The figure, in a form in which equal figures are equal; empty for one that moves all the time, such as a rate, so that
  /// it is stable while it stays within its bounds.
  var value: String
  /// What was seen, in words.
  var seen: String

  /// A moment without data.
  static func none(_ why: String) -> Look { Look(holds: nil, value: "", seen: "no data: \(why)") }
}

/// Judges a condition over the looks that are taken at its subject, each with its time.
struct ConditionWatch: Sendable, Hashable {
  /// How it stands.
  enum Outcome: Sendable, Hashable {
    /// More must be seen.
    case open
    /// It holds.
    case met
    /// It does not, and why.
    case missed(String)
    /// It could not be told, and why.
    case noData(String)
  }

  private let quantifier: Quantifier
  /// When the question was asked (ns).
  private let since: Int64
  /// When waiting ends (ns).
  private let deadline: Int64
  private var stableSince: Int64?
  private var stableValue = ""
  private var last = Look.none("nothing was looked at yet")
  private var hasSeenData = false
  private(set) var outcome = Outcome.open

  /// A condition that is asked at `now`.
  ///
  /// - Parameters:
  ///   - quantifier: how it must hold; `nil`: at one moment, waited for as long as `limit` allows.
  ///   - limit: the longest wait.
  init(_ quantifier: Quantifier?, since now: Int64, limit: Duration) {
    self.quantifier = quantifier ?? .eventually(within: limit)
    since = now
    deadline = now + max(0, limit.nanoseconds)
  }

  /// Takes in what is seen at `time`, which never runs backwards.
  mutating func take(_ look: Look, at time: Int64) -> Outcome {
    guard outcome == .open else { return outcome }
    last = look
    if look.holds != nil { hasSeenData = true }
    outcome = judge(look, at: time)
    return outcome
  }

  private mutating func judge(_ look: Look, at time: Int64) -> Outcome {
    let length = quantifier.duration.nanoseconds
    switch quantifier {
    case .eventually:
      if look.holds == true { return .met }
      return time >= min(since + length, deadline) ? over : .open
    case .always:
      guard let holds = look.holds else { return .noData(look.seen) }
      if !holds { return .missed(look.seen) }
      return time - since >= length ? .met : timedOut(time)
    case .never:
      guard let holds = look.holds else { return .noData(look.seen) }
      if holds { return .missed(look.seen) }
      return time - since >= length ? .met : timedOut(time)
    case .stable:
      guard look.holds == true else {
        stableSince = nil
        return timedOut(time)
      }
      if stableSince == nil || stableValue != look.value {
        stableSince = time
        stableValue = look.value
      }
      return time - (stableSince ?? time) >= length ? .met : timedOut(time)
    }
  }

  private func timedOut(_ time: Int64) -> Outcome { time >= deadline ? over : .open }

  private var over: Outcome { hasSeenData ? .missed(last.seen) : .noData(last.seen) }
}
