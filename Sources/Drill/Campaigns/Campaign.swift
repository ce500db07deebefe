public import Checks
public import Support

/// Several runs of one scenario with seeds that follow from its own: which comes next, and what all came to.
public struct Campaign: Sendable {
  /// What one run came to.
  public struct Result: Sendable, Hashable, Codable {
    /// Its number, from 1.
    public var number: Int
    /// Its seed.
    public var seed: UInt64
    /// Its exit code.
    public var code: Int32
    /// Its run directory.
    public var directory: String
    /// Its items with their verdicts; empty when it could not be judged.
    public var items: [String: Verdict.Kind]

    /// A run with its outcome.
    public init(number: Int, seed: UInt64, code: Int32, directory: String, items: [String: Verdict.Kind]) {
      self.number = number
      self.seed = seed
      self.code = code
      self.directory = directory
      self.items = items
    }
  }

  /// The seed of the first run.
  public let seed: UInt64
  /// The most runs.
  public let count: Int
  /// Whether the first run that fails is the last.
  public let untilFail: Bool
  /// The runs so far.
  public private(set) var results: [Result] = []

  /// Nothing run yet.
  public init(seed: UInt64, count: Int, untilFail: Bool) {
    precondition(count > 0, "\(count) runs are none")
    self.seed = seed
    self.count = count
    self.untilFail = untilFail
  }

  /// The number and the seed of the next run; `nil` when there is none.
  public var next: (number: Int, seed: UInt64)? {
    guard results.count < count, !results.contains(where: endsAll) else { return nil }
    let number = results.count + 1
    return (number, seed(of: number))
  }

  /// The seed of a run: the scenario's own for the first, so that one run is the same as without a campaign. In the range of
  /// a scenario's own seed, which every JSON reader can hold.
  public func seed(of number: Int) -> UInt64 {
    if number == 1 { return seed }
    var random = SeededRandom(seed: seed, for: "run \(number)")
    return random.next() >> 1
  }

  /// Takes in what a run came to.
  public mutating func take(_ result: Result) { results.append(result) }

  /// What a command returns for all of them: the first of these that any run ended with. What may remain outranks all,
  /// then what kept a run from being one, then a FAIL.
  public var code: ExitCode {
    let order: [ExitCode] = [
      .recoveryIncomplete, .interrupted, .terminated, .usage, .faultNotApplied, .aborted, .steadyState, .fail,
      .inconclusive,
    ]
    let seen = Set(results.map(\.code))
    return order.first { seen.contains($0.rawValue) } ?? (results.isEmpty ? .usage : .pass)
  }

  /// Runs after which nothing is to be gained from another one, and, if asked for, those that failed.
  private func endsAll(_ result: Result) -> Bool {
    switch ExitCode(rawValue: result.code) {
    case .recoveryIncomplete, .interrupted, .terminated, .usage: true
    case .pass, .inconclusive: false
    default: untilFail
    }
  }
}
