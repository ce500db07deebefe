internal import Netlink
internal import Support

extension Fault.Loss {
  /// The packets of a pattern that are lost, by number, ascending: drawn by our own generator, so that every kernel and
  /// every run loses the same. `nil` for losses that are not drawn in advance.
  ///
  /// - Parameters:
  ///   - seed: the fault's seed.
  ///   - part: what tells this draw from the fault's others, such as the direction.
  public func lostPackets(seed: UInt64, part: String) -> [UInt32]? {
    var random = SeededRandom(seed: seed, for: part)
    let count = Self.patternLength
    switch self {
    case .everyNth: return nil
    case .random(_, correlation: 0): return nil
    case .pattern(let probability, correlation: 0):
      return Self.exactly(Int((Double(count) * probability).rounded()), of: count, &random)
    case .random(let probability, let correlation), .pattern(let probability, let correlation):
      // A two-state chain whose states are "lost" and "not lost": share p, correlation c of neighbours.
      let model = Fault.GilbertElliott(
        toBad: probability * (1 - correlation), toGood: (1 - probability) * (1 - correlation))
      return model.lostPackets(of: count, &random)
    case .bursts(let model): return model.lostPackets(of: count, &random)
    }
  }

  /// `wanted` of the numbers below `count`, each choice as likely as any other (Vitter 1984, selection sampling).
  private static func exactly(_ wanted: Int, of count: UInt32, _ random: inout SeededRandom) -> [UInt32] {
    var lost: [UInt32] = []
    lost.reserveCapacity(wanted)
    for number in 0..<count where UInt32.random(in: 0..<(count - number), using: &random) < wanted - lost.count {
      lost.append(number)
    }
    return lost
  }
}

extension Fault.GilbertElliott {
  /// Walks the two states, beginning in one drawn by their long-run shares.
  func lostPackets(of count: UInt32, _ random: inout SeededRandom) -> [UInt32] {
    let share = toBad + toGood > 0 ? toBad / (toBad + toGood) : 0
    var isBad = Double.random(in: 0..<1, using: &random) < share
    var lost: [UInt32] = []
    for number in 0..<count {
      if Double.random(in: 0..<1, using: &random) < (isBad ? lossInBad : lossInGood) { lost.append(number) }
      if Double.random(in: 0..<1, using: &random) < (isBad ? toGood : toBad) { isBad.toggle() }
    }
    return lost
  }
}

/// A loss as steps of a rule.
struct LossDraw {
  private enum Draw {
    case all
    /// The kernel's random number below this one, of 2³².
    case random(UInt32)
    case everyNth(UInt32)
    case numbers([UInt32])
  }

  private let draw: Draw
  /// Why it is drawn so.
  let why: String
  /// How exact it is.
  let accuracy: String

  init(_ loss: Fault.Loss, seed: UInt64, _ direction: Fault.Direction) throws(Mistake) {
    if let lost = loss.lostPackets(seed: seed, part: "\(direction) loss") {
      guard !lost.isEmpty else {
        throw Mistake(
          "its \(direction) loss is so small that none of \(Fault.Loss.patternLength) packets would be lost; draw it at "
            + "random, or choose another seed")
      }
      draw = .numbers(lost)
      why = "the pattern is drawn by us from the seed, so every kernel and every run loses the same packets"
      accuracy = "\(lost.count) of each \(Fault.Loss.patternLength) packets of a family"
      return
    }
    switch loss {
    case .everyNth(let n):
      draw = n == 1 ? .all : .everyNth(UInt32(clamping: n))
      why = "the kernel counts the packets of each family"
      accuracy = "exactly one of \(n)"
    case .random(let probability, _), .pattern(let probability, _):
      let threshold = (probability * 4_294_967_296).rounded()
      draw = threshold >= 4_294_967_296 ? .all : .random(UInt32(max(1, threshold)))
      why = "the kernel draws for each packet"
      accuracy = "binomial, in steps of 2⁻³²"
    case .bursts: preconditionFailure("bursts are drawn in advance")
    }
  }

  /// The rule that loses packets of a family: `stop` comes for each that is drawn.
  func rule(
    _ table: inout TableBuilder, _ direction: Fault.Direction, _ family: IPAddress.Family, stop: [CompiledFault.Step]
  ) -> CompiledFault.Rule {
    let steps: [NFTables.Expression]
    switch draw {
    case .all: steps = []
    case .random(let threshold):
      // Uniform bytes are uniform in any order, so the number needs no turning round.
      let bytes = (0..<4).map { UInt8(truncatingIfNeeded: threshold >> (24 - 8 * $0)) }
      steps = [.load(.random), .compare(.below, bytes)]
    case .everyNth(let n): steps = [.generate(.increment, modulus: n), .compare(.equal, host: n - 1)]
    case .numbers(let lost):
      let set = table.add("lost_\(direction)", .mark, .marks(lost))
      steps = [.generate(.increment, modulus: Fault.Loss.patternLength), .isInSet(set.name, id: set.id)]
    }
    func counter(_ fate: CompiledFault.Counter.Fate) -> CompiledFault.Counter {
      .init(direction: direction, family: family, fate: fate)
    }
    return CompiledFault.Rule(
      steps: ([.counter] + steps + [.counter]).map { .fixed($0) } + stop,
      counters: [counter(.drawn), counter(.stopped)])
  }
}
