internal import Support

/// What a run shows of itself while it goes on: one reading of its figures. Written as it is by `--json`, one line each.
public struct Progress: Sendable, Hashable, Codable {
  /// The phase.
  public var phase: String
  /// Seconds since the start of the run.
  public var elapsed: Double
  /// Seconds since the start of the phase.
  public var phaseElapsed: Double
  /// How long the phase takes or may take; `nil`: not known.
  public var phaseLimit: Double?
  /// The faults that are proven in force now.
  public var faults: [String] = []
  /// Acknowledged writes a second, all regions.
  public var acknowledgedPerSecond: Double?
  /// Writes a second that failed or whose effect is unknown.
  public var troubledPerSecond: Double?
  /// How far each mirror is behind, in seconds; `nil` inside: it cannot be read now.
  public var lag: [Lag] = []
  /// Who has write authority, as far as is known; `nil`: nobody.
  public var leader: String?
  /// The leader's token.
  public var token: Int64?
  /// Packets dropped so far.
  public var packetsDropped: Int?

  /// What the live checks have found so far: how often, by row of the taxonomy; `nil`: nothing.
  public var anomalies: [String: Int]?

  /// How far one mirror is behind.
  public struct Lag: Sendable, Hashable, Codable {
    /// The direction, such as `east → eu`.
    public var name: String
    /// Seconds; `nil`: it cannot be read now.
    public var seconds: Double?

    /// A reading.
    public init(_ name: String, _ seconds: Double?) {
      self.name = name
      self.seconds = seconds
    }
  }

  /// A reading with nothing in it but the phase.
  public init(phase: String, elapsed: Double, phaseElapsed: Double, phaseLimit: Double? = nil) {
    self.phase = phase
    self.elapsed = elapsed
    self.phaseElapsed = phaseElapsed
    self.phaseLimit = phaseLimit
  }
}

/// Draws ``Progress``. It holds no state: a reading gives a line.
public struct ProgressLine: Sendable {
  /// Columns of the terminal.
  public var width: Int
  /// Whether the terminal takes colour.
  public var color: Bool

  /// A renderer for a terminal of `width` columns.
  public init(width: Int, color: Bool = false) {
    self.width = width
    self.color = color
  }

  /// The line that replaces the one before: begins with a return, ends with the rest of the line erased, never wraps.
  public func rewritten(_ progress: Progress) -> String {
    "\r\(line(progress))\u{1B}[K"
  }

  /// Takes the line away, so that something else can be printed.
  public var cleared: String { "\r\u{1B}[K" }

  /// The line itself, at most one column narrower than the terminal. What does not fit is left out, the least important
  /// first; the phase always stays.
  public func line(_ progress: Progress) -> String {
    var parts = self.parts(progress)
    func length() -> Int { parts.reduce(0) { $0 + $1.text.count } + max(0, parts.count - 1) * 2 }
    while parts.count > 1, length() > width - 1, let last = parts.indices.max(by: { parts[$0].rank < parts[$1].rank }) {
      parts.remove(at: last)
    }
    let paint = Paint(isOn: color)
    let texts = parts.map { part in
      let text = String(part.text.prefix(max(1, width - 1)))
      switch part.tone {
      case .plain: return text
      case .strong: return paint.strong(text)
      case .alarm: return paint.verdict(text, .inconclusive)
      }
    }
    return texts.joined(separator: "  ")
  }

  /// A line for a log: the time, then everything, without control characters.
  public static func plain(_ progress: Progress) -> String {
    let parts = ProgressLine(width: .max).parts(progress).map(\.text)
    return "[\(fixed(progress.elapsed, 1)) s] \(parts.joined(separator: "  "))"
  }

  private enum Tone { case plain, strong, alarm }

  private struct Part {
    var text: String
    /// What is left out first has the highest.
    var rank: Int
    var tone = Tone.plain
  }

  private func parts(_ progress: Progress) -> [Part] {
    var parts = [Part(text: phase(progress), rank: 0, tone: .strong)]
    if !progress.faults.isEmpty {
      parts.append(
        Part(text: "fault \(printable(progress.faults.joined(separator: ", ")))", rank: 1, tone: .alarm))
    }
    if progress.acknowledgedPerSecond != nil || progress.leader != nil {
      let token = progress.token.map { " #\($0)" } ?? ""
      let leader = progress.leader.map { "\(printable($0))\(token)" } ?? "nobody"
      parts.append(Part(text: "leader \(leader)", rank: 2, tone: progress.leader == nil ? .alarm : .plain))
    }
    if let acknowledged = progress.acknowledgedPerSecond {
      parts.append(Part(text: "ack \(rate(acknowledged))", rank: 3))
    }
    if let troubled = progress.troubledPerSecond, troubled > 0 {
      parts.append(Part(text: "err \(rate(troubled))", rank: 4, tone: .alarm))
    }
    if !progress.lag.isEmpty {
      let texts = progress.lag.map { "\(printable($0.name)) \($0.seconds.map(span) ?? "?")" }
      parts.append(Part(text: "lag \(texts.joined(separator: ", "))", rank: 5))
    }
    if let dropped = progress.packetsDropped, dropped > 0 {
      parts.append(Part(text: "met \(grouped(dropped))", rank: 6))
    }
    return parts
  }

  private func phase(_ progress: Progress) -> String {
    let limit = progress.phaseLimit.map { "/\(fixed($0, 0))" } ?? ""
    return "\(printable(progress.phase)) \(fixed(progress.phaseElapsed, 0))\(limit) s"
  }

  private func rate(_ value: Double) -> String { "\(fixed(value, value < 10 && value != value.rounded() ? 1 : 0))/s" }
}
