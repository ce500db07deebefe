public import Events

/// What a checklist item says about a drill.
///
/// Only data makes a pass: a checker that has nothing to look at is inconclusive, and one that looked at a drill in which
/// nothing happened is vacuous.
public enum Verdict: Sendable, Hashable {
  /// The property held, in as much as the coverage says.
  case pass(Coverage)
  /// The property was violated; here is the proof.
  case fail(Witness)
  /// It cannot be told, because this is missing.
  case inconclusive(Missing)
  /// It held, but nothing happened that could have violated it.
  case vacuous(Vacuity)

  /// The verdict without its reasons.
  public enum Kind: String, Sendable, Hashable, Codable, CaseIterable, Comparable {
    /// See ``Verdict/pass(_:)``.
    case pass
    /// See ``Verdict/vacuous(_:)``.
    case vacuous
    /// See ``Verdict/inconclusive(_:)``.
    case inconclusive
    /// See ``Verdict/fail(_:)``.
    case fail

    /// By weight: a fail outweighs an inconclusive, that a vacuous, and that a pass.
    public static func < (left: Kind, right: Kind) -> Bool { left.weight < right.weight }

    private var weight: Int {
      switch self {
      case .pass: 0
      case .vacuous: 1
      case .inconclusive: 2
      case .fail: 3
      }
    }

    /// The verdict on a whole of which these are the parts: the heaviest of them. A whole without parts has shown nothing.
    public static func merged(_ parts: some Sequence<Kind>) -> Kind { parts.max() ?? .vacuous }
  }

  /// The verdict without its reasons.
  public var kind: Kind {
    switch self {
    case .pass: .pass
    case .fail: .fail
    case .inconclusive: .inconclusive
    case .vacuous: .vacuous
    }
  }

  /// The one sentence that a report prints beside the verdict.
  public var headline: String {
    switch self {
    case .pass(let coverage): coverage.sentence
    case .fail(let witness): witness.sentence
    case .inconclusive(let missing): missing.sentence
    case .vacuous(let vacuity): vacuity.sentence
    }
  }
}

extension Verdict: Codable {
  private enum Key: String, CodingKey { case kind, coverage, witness, missing, vacuity }

  /// Decodes `{"kind":…}` with the member that belongs to the kind.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    self =
      switch try container.decode(Kind.self, forKey: .kind) {
      case .pass: .pass(try container.decode(Coverage.self, forKey: .coverage))
      case .fail: .fail(try container.decode(Witness.self, forKey: .witness))
      case .inconclusive: .inconclusive(try container.decode(Missing.self, forKey: .missing))
      case .vacuous: .vacuous(try container.decode(Vacuity.self, forKey: .vacuity))
      }
  }

  /// Encodes `{"kind":…}` with the member that belongs to the kind.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(kind, forKey: .kind)
    switch self {
    case .pass(let coverage): try container.encode(coverage, forKey: .coverage)
    case .fail(let witness): try container.encode(witness, forKey: .witness)
    case .inconclusive(let missing): try container.encode(missing, forKey: .missing)
    case .vacuous(let vacuity): try container.encode(vacuity, forKey: .vacuity)
    }
  }
}

/// How many of something a check has looked at.
public struct Count: Sendable, Hashable, Codable {
  /// What was counted, in words: `acknowledged events`.
  public var name: String
  /// How many.
  public var value: Int

  /// A named count.
  public init(_ name: String, _ value: Int) {
    self.name = name
    self.value = value
  }
}

/// What a passed check has really looked at.
public struct Coverage: Sendable, Hashable, Codable {
  /// The coverage as one sentence.
  public var sentence: String
  /// The figures behind it.
  public var counts: [Count]
  /// What a reader should know besides: permissions used, what was not exercised.
  public var notes: [String]
  /// What the absence of violations says about their rate. `nil`: nothing, for it was no matter of chance.
  public var confidence: Confidence?

  /// What was looked at.
  public init(_ sentence: String, counts: [Count] = [], notes: [String] = []) {
    self.sentence = sentence
    self.counts = counts
    self.notes = notes
  }
}

/// One violation, with whatever identifies it. Times are nanoseconds on the recorder's clock.
public struct Finding: Sendable, Hashable, Codable {
  /// The anomaly's row in the taxonomy, such as `L3` or `E4`.
  public var anomaly: String
  /// The violation in words.
  public var what: String
  /// The events concerned.
  public var events: [EventID]
  /// The store in which it shows. `nil`: in none in particular.
  public var store: String?
  /// The fencing tokens concerned.
  public var tokens: [Int64]
  /// The positions in ``store``.
  public var positions: [Int64]
  /// The moments concerned.
  public var times: [Int64]
  /// How sure it is. `nil`: certain.
  public var certainty: Certainty?

  /// A violation.
  public init(
    _ anomaly: String, _ what: String, events: [EventID] = [], store: String? = nil, tokens: [Int64] = [],
    positions: [Int64] = [], times: [Int64] = [], certainty: Certainty? = nil
  ) {
    self.anomaly = anomaly
    self.what = what
    self.events = events
    self.store = store
    self.tokens = tokens
    self.positions = positions
    self.times = times
    self.certainty = certainty
  }

  /// A violation of a row of the taxonomy.
  public init(
    _ anomaly: Anomaly, _ what: String, events: [EventID] = [], store: String? = nil, tokens: [Int64] = [],
    positions: [Int64] = [], times: [Int64] = [], certainty: Certainty? = nil
  ) {
    self.init(
      anomaly.rawValue, what, events: events, store: store, tokens: tokens, positions: positions, times: times,
      certainty: certainty)
  }
}

/// The proof of a failure.
public struct Witness: Sendable, Hashable, Codable {
  /// The failure as one sentence, with how many violations there are.
  public var sentence: String
  /// The first violations, at most ``limit``.
  public var findings: [Finding]
  /// How many violations there are in all.
  public var total: Int

  /// The most findings that one witness lists; a thousand say no more than twenty.
  public static let limit = 20

  /// A proof. Keeps the first ``limit`` of `findings`; `total` defaults to the number of them.
  public init(_ sentence: String, _ findings: [Finding], total: Int? = nil) {
    self.sentence = sentence
    self.findings = Array(findings.prefix(Self.limit))
    self.total = total ?? findings.count
  }
}

/// What a check would have needed.
public struct Missing: Sendable, Hashable, Codable {
  /// What is missing, as one sentence.
  public var sentence: String
  /// Each missing thing.
  public var items: [String]

  /// Names what is missing; there must be something.
  public init(_ items: [String]) {
    precondition(!items.isEmpty, "inconclusive, but nothing is missing")
    self.items = items
    sentence = "cannot be told: " + items.joined(separator: "; ")
  }
}

/// Why a check that held proves nothing.
public struct Vacuity: Sendable, Hashable, Codable {
  /// The reason as one sentence.
  public var sentence: String

  /// A reason.
  public init(_ sentence: String) { self.sentence = sentence }
}
