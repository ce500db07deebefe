internal import PassThrough
internal import Support

/// An operation that arrived: what, and of which paths (two for a rename).
struct FileRequest: Sendable, Hashable {
  var operation: FileOperation
  var paths: [String]
  /// Bytes of a write; 0 for all else.
  var bytes = 0
}

/// What is to be done with an operation, and when.
struct FileDecision: Sendable, Hashable {
  /// How much later, nanoseconds.
  var delay: Int64 = 0
  var outcome = FileOutcome.perform
  /// The rules that hit it, by their place.
  var rules: [Int] = []
}

/// Decides what happens to each operation: seeded, and by the number of the operation alone.
///
/// Latencies of several rules add up; of the other effects that of the first rule counts.
struct FileDecisions: Sendable {
  private struct Case: Sendable {
    var rule: FileRule
    var matches: @Sendable (String) -> Bool
    var random: SeededRandom
    var tally = FileTally()
  }

  private var cases: [Case]
  /// Whether some rule is about it, so that all others need not be asked for their path.
  let operations: Set<FileOperation>

  init(_ rules: [FileRule], seed: UInt64) {
    cases = rules.enumerated().map { index, rule in
      Case(rule: rule, matches: rule.paths.compiled(), random: SeededRandom(seed: seed, for: "file rule \(index)"))
    }
    operations = rules.reduce(into: []) { $0.formUnion($1.operations) }
  }

  /// What each rule has done until now.
  var tallies: [FileTally] { cases.map(\.tally) }

  mutating func decide(_ request: FileRequest) -> FileDecision {
    var decision = FileDecision()
    for index in cases.indices {
      let rule = cases[index].rule
      guard rule.operations.contains(request.operation), request.paths.contains(where: cases[index].matches) else {
        continue
      }
      cases[index].tally.matched += 1
      // Always two draws a match, so that no other setting of the rule shifts those that follow.
      let chance = cases[index].random.unit()
      let amount = cases[index].random.unit()
      guard chance < rule.probability else { continue }
      cases[index].tally.hit += 1
      decision.rules.append(index)
      apply(rule.effect, amount, request, to: &decision)
    }
    return decision
  }

  private func apply(_ effect: FileEffect, _ amount: Double, _ request: FileRequest, to decision: inout FileDecision) {
    if case .latency(let latency) = effect {
      decision.delay += latency.drawn(amount)
      return
    }
    guard decision.outcome == .perform else { return }
    switch effect {
    case .latency: break
    case .fail(let error): decision.outcome = .fail(error.number)
    case .tornWrite(let report):
      let error: Int32? = report == .success ? nil : FileError.inputOutput.number
      decision.outcome = .tear(keep: Self.kept(of: request.bytes, amount), errno: error)
    case .unsynced: decision.outcome = .pretend
    }
  }

  /// How much of a torn write reaches the file: whole sectors, never all of it.
  private static func kept(of bytes: Int, _ amount: Double) -> Int {
    let sector = 512
    let sectors = (bytes + sector - 1) / sector
    return min(bytes, Int(amount * Double(sectors)) * sector)
  }
}

/// How often a rule was asked.
public struct FileTally: Sendable, Hashable, Codable {
  /// Operations that it is about.
  public var matched: UInt64 = 0
  /// Those of them that it hit.
  public var hit: UInt64 = 0

  /// Nothing yet.
  public init() {}
}

extension FileLatency {
  /// The latency for a draw between 0 and 1, nanoseconds.
  func drawn(_ amount: Double) -> Int64 {
    delayMicroseconds * 1000 + Int64((2 * amount - 1) * Double(jitterMicroseconds) * 1000)
  }
}

extension SeededRandom {
  /// A number at least 0 and less than 1.
  mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }
}
