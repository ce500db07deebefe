internal import Support

/// A gradual shift of traffic, apart from all input and output: a share, a hold, a gate, the next share; back to the share
/// before as soon as the gate is red or cannot be told.
struct ShiftMachine: Sendable, Hashable {
  /// What is to be done.
  enum Command: Sendable, Hashable {
    /// Let this share of the traffic through. `because`: it is brought back, and why.
    case apply(Double, because: String?)
    /// Wait, and watch the gate meanwhile.
    case hold
    /// All of it went over.
    case finish
    /// It was taken back from this share, and why.
    case returned(from: Double, why: String)
  }

  /// How a command ended.
  enum Answer: Sendable, Hashable {
    /// Done; of a hold: the gate was green to its end.
    case done
    /// The gate is red, or without data, or the command failed.
    case red(String)
  }

  /// The shares, rising, the last one 1.
  let shares: [Double]
  private var index = -1
  private var back: Command?
  private var isHolding = false

  /// A shift that has not begun.
  init(_ shares: [Double]) {
    self.shares = shares
  }

  /// The first command.
  mutating func start() -> Command { advance() }

  /// What follows from how the last command ended.
  mutating func handle(_ answer: Answer) -> Command {
    if let back { return back }
    switch (answer, isHolding) {
    case (.done, false):
      isHolding = true
      return .hold
    case (.done, true): return advance()
    case (.red(let why), _):
      back = .returned(from: shares[index], why: why)
      return .apply(index > 0 ? shares[index - 1] : 0, because: why)
    }
  }

  private mutating func advance() -> Command {
    index += 1
    isHolding = false
    return index < shares.count ? .apply(shares[index], because: nil) : .finish
  }
}
