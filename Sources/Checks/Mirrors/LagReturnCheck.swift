internal import Support

/// How far a mirror was behind at one moment, by the identity of records.
struct LagPoint: Sendable, Hashable {
  /// When, nanoseconds on the recorder's clock.
  var time: Int64
  /// Records of the source that had not arrived.
  var behind: Int
  /// The age of the oldest of them, nanoseconds.
  var age: Int64
}

/// M17, lag not back to zero: the oldest record that has not arrived stays older than the freshness bound for longer than the
/// objective, outages and pauses on purpose not counted.
///
/// A mirror that is still catching up (its lag falls) is told apart from one that is stuck. Measured besides: how long after the
/// last outage lag was back to zero, and the area under the lag.
struct LagReturnCheck: AnomalyCheck {
  static let anomalies: Set<Anomaly> = [.lagNotZero]

  private let place: MirrorPlace
  private let expectations: MirrorExpectations
  private var since: Int64?
  private var isReported = false
  private var line = Line()
  private var last: LagPoint?
  private var findings = FindingBuffer()
  /// Record-seconds behind.
  private(set) var area: Double = 0
  /// The greatest age of a record that had not arrived, nanoseconds.
  private(set) var longest: Int64 = 0
  /// The most records it was behind.
  private(set) var most = 0
  /// The end of the last outage after which lag was back to zero, and when it was.
  private(set) var back: (outage: Int64, time: Int64)?
  private(set) var points = 0

  init(_ place: MirrorPlace, _ expectations: MirrorExpectations) {
    self.place = place
    self.expectations = expectations
  }

  /// Whether the mirror was behind, but not for too long yet, when the last point was taken.
  var isUnsettled: Bool { since != nil && !isReported }

  mutating func take(_ point: LagPoint) {
    points += 1
    most = max(most, point.behind)
    longest = max(longest, point.age)
    if let last, point.time > last.time {
      area += Double(last.behind) * Double(point.time - last.time) / 1e9
    }
    last = point
    guard point.age > expectations.freshness else {
      let ended = expectations.outages.map(\.upperBound).filter { $0 <= point.time }.max()
      if let ended, back?.outage != ended { back = (ended, point.time) }
      since = nil
      isReported = false
      line = Line()
      return
    }
    let began = since ?? point.time - point.age + expectations.freshness
    since = began
    let isOutage = expectations.interruptions.contains { $0.contains(point.time) }
    if isOutage { line = Line() } else { line.add(Double(point.time) / 1e9, Double(point.behind)) }
    let took = expectations.undisturbed(began, point.time)
    guard took > expectations.catchUp, !isReported else { return }
    isReported = true
    findings.add(
      Finding(
        .lagNotZero,
        "\(place) has been behind for \(brief(took)), outages not counted (objective \(brief(expectations.catchUp))): "
          + "\(counted(point.behind, "record")), the oldest \(brief(point.age)) old; \(trend(point))",
        store: place.flow.to, times: [began, point.time]))
  }

  private func trend(_ point: LagPoint) -> String {
    guard let slope = line.slope, slope < 0 else { return "stuck: the lag does not fall" }
    let left = Double(point.behind) / -slope
    return "catching up, with \(fixed(-slope, 1)) records a second: zero in about \(brief(Int64(min(left, 1e9) * 1e9)))"
  }

  mutating func drain() -> [Finding] { findings.drain() }

  /// A straight line through points, by least squares, without keeping them.
  private struct Line: Sendable {
    private var origin: Double?
    private var n = 0.0
    private var x = 0.0
    private var y = 0.0
    private var xx = 0.0
    private var xy = 0.0

    mutating func add(_ time: Double, _ value: Double) {
      let start = origin ?? time
      origin = start
      let t = time - start
      n += 1
      x += t
      y += value
      xx += t * t
      xy += t * value
    }

    var slope: Double? {
      let spread = n * xx - x * x
      return spread > 0 ? (n * xy - x * y) / spread : nil
    }
  }
}
