/// A finished run as its reports tell it: plain values, already measured and judged. Times are seconds from the start of
/// the run unless a name says otherwise. Written as `summary.json` in the run directory, it makes every report again.
public struct RunSummary: Sendable, Hashable, Codable {
  /// The version of this form.
  public static let currentFormat = 1

  /// The version of this form.
  public var format: Int = RunSummary.currentFormat
  /// The scenario's name.
  public var scenario: String
  /// What the drill shows, in a sentence or two.
  public var purpose: String
  /// The run's id, unique among all runs.
  public var runID: String
  /// Where the run directory lies, as the user would name it.
  public var directory: String
  /// When the run began: nanoseconds since 1970, UTC.
  public var startedAt: Int64
  /// How long it took.
  public var seconds: Double
  /// The seed of every random choice.
  public var seed: UInt64
  /// The command that does the same again.
  public var command: String
  /// Versions of this tool and of everything drilled.
  public var versions: [Fact] = []
  /// The machine: kernel, cores, memory.
  public var host: [Fact] = []

  /// The verdict on the whole; `nil` when the run ended before it could be judged.
  public var overall: VerdictKind?
  /// Why the run ended early; `nil` when it went its whole way.
  public var ending: String?
  /// The exit code of the command.
  public var exitCode: Int32
  /// The judged items, in the order of the checklist.
  public var items: [ItemSummary] = []
  /// How every row of the taxonomy stands.
  public var anomalies: [AnomalySummary] = []
  /// What the scenario permits, by anomaly: whether it was seen, and why it may be; `nil`: nothing.
  public var permitted: [Fact]?
  /// How many planted errors the checker was seen to find when this was made, in words; `nil`: not measured.
  public var killRate: String?
  /// That, family by family.
  public var killRates: [KillRate] = []

  /// The phases of the run.
  public var phases: [Span] = []
  /// The faults, with their proven intervals.
  public var faults: [FaultSummary] = []
  /// How long recovery took, stage by stage; empty when there was no failover.
  public var recoveryTime: RecoveryTimeSummary?
  /// What was acknowledged but not with the survivor at promotion; `nil`: not measured.
  public var recoveryPoint: RecoveryPointSummary?

  /// Writes second by second.
  public var writes: [WriteSeries] = []
  /// How far each mirror was behind.
  public var lag: [LagSeries] = []
  /// The bound of the mirror lag, for the chart; `nil`: none.
  public var lagLimitSeconds: Double?
  /// Who held write authority.
  public var reigns: [Reign] = []
  /// The steps of runbook and failback; `nil`: there was none.
  public var steps: [StepSummary]?
  /// The write-down of the failover and the messages; `nil`: none.
  public var notes: [Fact]?
  /// What happened, for the timeline.
  public var events: [RunEvent] = []
  /// The files of the run directory.
  public var evidence: [EvidenceFile] = []

  /// A summary of a run with nothing in it yet.
  public init(
    scenario: String, purpose: String, runID: String, directory: String, startedAt: Int64, seconds: Double,
    seed: UInt64, command: String, overall: VerdictKind?, exitCode: Int32
  ) {
    self.scenario = scenario
    self.purpose = purpose
    self.runID = runID
    self.directory = directory
    self.startedAt = startedAt
    self.seconds = seconds
    self.seed = seed
    self.command = command
    self.overall = overall
    self.exitCode = exitCode
  }
}

/// The four verdicts, as reports show them.
public enum VerdictKind: String, Sendable, Hashable, Codable, CaseIterable {
  /// The property held; the coverage says how much was looked at.
  case pass
  /// It was violated; the witness shows where.
  case fail
  /// It cannot be told; the headline says what is missing.
  case inconclusive
  /// Nothing happened that could have violated it.
  case vacuous

  /// `PASS`, as people know it.
  public var word: String { rawValue.uppercased() }
}

/// A named text: a version, a property of the machine.
public struct Fact: Sendable, Hashable, Codable {
  /// Its name.
  public var name: String
  /// Its value.
  public var value: String

  /// A named text.
  public init(_ name: String, _ value: String) {
    self.name = name
    self.value = value
  }
}

/// A named part of the run, in seconds from its start.
public struct Span: Sendable, Hashable, Codable {
  /// Its name.
  public var name: String
  /// When it began.
  public var start: Double
  /// When it ended.
  public var end: Double

  /// A part of the run.
  public init(_ name: String, _ start: Double, _ end: Double) {
    self.name = name
    self.start = start
    self.end = end
  }

  /// How long it took.
  public var seconds: Double { end - start }
}

/// One judged item.
public struct ItemSummary: Sendable, Hashable, Codable {
  /// The item's name in the scenario, such as `no-duplicates`.
  public var id: String
  /// The property in words.
  public var title: String
  /// The verdict.
  public var verdict: VerdictKind
  /// The verdict's reason in one sentence.
  public var headline: String
  /// More of it, one sentence each.
  public var details: [String] = []
  /// The service level that it was judged by; `nil`: none.
  public var level: String?
  /// The witness as JSON; `nil`: none.
  public var witness: String?

  /// A judged item.
  public init(
    id: String, title: String, verdict: VerdictKind, headline: String, details: [String] = [], level: String? = nil,
    witness: String? = nil
  ) {
    self.id = id
    self.title = title
    self.verdict = verdict
    self.headline = headline
    self.details = details
    self.level = level
    self.witness = witness
  }
}

/// One fault and the time for which it was proven to be in force.
public struct FaultSummary: Sendable, Hashable, Codable {
  /// Its id in the timeline.
  public var id: String
  /// What it did, in words.
  public var what: String
  /// From when it was proven in force; `nil`: never.
  public var start: Double?
  /// When it was verified gone; `nil`: never.
  public var end: Double?
  /// Packets that it dropped, on all nodes; of one inside nodes, how often it did something to them.
  public var packetsDropped: Int
  /// Whether it is inside nodes, so that what is counted are no packets.
  public var isInside: Bool

  /// A fault with its proven interval.
  public init(id: String, what: String, start: Double?, end: Double?, packetsDropped: Int, isInside: Bool = false) {
    self.isInside = isInside
    self.id = id
    self.what = what
    self.start = start
    self.end = end
    self.packetsDropped = packetsDropped
  }
}

/// The way back, stage by stage: each begins where the one before ended.
public struct RecoveryTimeSummary: Sendable, Hashable, Codable {
  /// From the fault to restored service, in seconds; `nil`: service did not come back.
  public var seconds: Double?
  /// What `seconds` is counted to, in words: `all producers of the surviving regions acknowledged again`.
  public var meaning: String
  /// The stages, in seconds from the start of the run.
  public var stages: [Span]

  /// A way back.
  public init(seconds: Double?, meaning: String, stages: [Span]) {
    self.seconds = seconds
    self.meaning = meaning
    self.stages = stages
  }
}

/// What was acknowledged but not yet with the survivor when it was promoted.
public struct RecoveryPointSummary: Sendable, Hashable, Codable {
  /// One such event.
  public struct Event: Sendable, Hashable, Codable {
    /// Its id.
    public var id: String
    /// When it was acknowledged, in seconds from the start of the run.
    public var acknowledged: Double
    /// What became of it: `arrived 41.2 s after promotion`, `lost`.
    public var disposition: String
    /// Whether it never arrived.
    public var isLost: Bool

    /// An event that was missing at promotion.
    public init(id: String, acknowledged: Double, disposition: String, isLost: Bool) {
      self.id = id
      self.acknowledged = acknowledged
      self.disposition = disposition
      self.isLost = isLost
    }
  }

  /// How many were missing at promotion.
  public var count: Int
  /// How many of them never arrived.
  public var lost: Int
  /// The time that they span, from the oldest to the newest acknowledgement, in seconds.
  public var seconds: Double
  /// The events, or the first of them.
  public var events: [Event]

  /// What was missing at promotion.
  public init(count: Int, lost: Int, seconds: Double, events: [Event]) {
    self.count = count
    self.lost = lost
    self.seconds = seconds
    self.events = events
  }
}

/// The writes of one region's producers, second by second from the start of the run. The three lists are equally long.
public struct WriteSeries: Sendable, Hashable, Codable {
  /// The region that the producers run in.
  public var region: String
  /// Acknowledged writes.
  public var acknowledged: [Int]
  /// Writes whose effect nobody knows: sent, but no answer came.
  public var unknown: [Int]
  /// Writes that were refused, surely without effect.
  public var failed: [Int]

  /// Writes second by second.
  public init(region: String, acknowledged: [Int], unknown: [Int], failed: [Int]) {
    self.region = region
    self.acknowledged = acknowledged
    self.unknown = unknown
    self.failed = failed
  }
}

/// How far a mirror was behind.
public struct LagSeries: Sendable, Hashable, Codable {
  /// One reading.
  public struct Sample: Sendable, Hashable, Codable {
    /// When, in seconds from the start of the run.
    public var at: Double
    /// The lag in seconds; `nil`: it could not be read.
    public var seconds: Double?

    /// A reading.
    public init(_ at: Double, _ seconds: Double?) {
      self.at = at
      self.seconds = seconds
    }
  }

  /// The direction, such as `east → eu`.
  public var name: String
  /// The readings, in the order of time.
  public var samples: [Sample]

  /// Readings of one direction.
  public init(name: String, samples: [Sample]) {
    self.name = name
    self.samples = samples
  }
}

/// A time for which one holder believed, or was believed, to have write authority.
public struct Reign: Sendable, Hashable, Codable {
  /// The region.
  public var holder: String
  /// Its fencing token.
  public var token: Int64
  /// From when.
  public var start: Double
  /// Until when; `nil`: to the end of the run.
  public var end: Double?

  /// A reign.
  public init(holder: String, token: Int64, start: Double, end: Double?) {
    self.holder = holder
    self.token = token
    self.start = start
    self.end = end
  }
}

/// Something that happened at one moment.
public struct RunEvent: Sendable, Hashable, Codable {
  /// When, in seconds from the start of the run.
  public var at: Double
  /// What, in a few words.
  public var what: String

  /// A moment of the run.
  public init(_ at: Double, _ what: String) {
    self.at = at
    self.what = what
  }
}

/// A file of the run directory.
public struct EvidenceFile: Sendable, Hashable, Codable {
  /// Its name in the directory.
  public var name: String
  /// What it holds.
  public var what: String
  /// Its size.
  public var bytes: Int64
  /// SHA-256 as 64 hexadecimal digits; `nil`: not taken, because the file was still being written.
  public var digest: String?

  /// A file of the run directory.
  public init(name: String, what: String, bytes: Int64, digest: String? = nil) {
    self.name = name
    self.what = what
    self.bytes = bytes
    self.digest = digest
  }
}
