internal import Support

/// `Schedule`: the same again and again.
enum ChaosSchedule {
  enum Concurrency: String, CaseIterable {
    case forbid = "Forbid"
    case allow = "Allow"
  }

  static func read(_ value: Value, name: String, limit: Duration?, in context: ChaosMeshContext) -> ImportedStep? {
    value.fields { fields in
      let every = fields.required("schedule", CronText.interval)
      let kind = fields.required("type", ChaosMeshKind.named)
      let policy =
        fields.present("concurrencyPolicy").map {
          $0.choice(Concurrency.self, called: "a policy")
        } ?? .forbid
      fields.pass("historyLimit", "startingDeadlineSeconds")
      // The blocks of other kinds are not read; only one may be there.
      for other in ChaosMeshKind.allCases where other != kind && other != .schedule {
        fields.refuse(other.key, "belongs to another type")
      }
      guard let kind else {
        for (name, _) in ChaosMeshKind.refusals { fields.pass(name.prefix(1).lowercased() + name.dropFirst()) }
        return nil
      }
      guard kind != .schedule, kind != .statusCheck else {
        fields.value("type")?.mistake(
          kind == .schedule
            ? "a Schedule of Schedules is no kind of Chaos Mesh's" : "a StatusCheck is nothing that a Schedule can hold"
        )
        fields.pass(kind.key)
        return nil
      }
      let inner = fields.required(kind.key) { kind.read($0, name: name, limit: nil, in: context) }
      guard let every, let policy, let inner, let place = fields.value("schedule") else { return nil }
      return repeated(inner, every: every, policy, limit: limit, at: place, in: context)
    }
  }

  private static func repeated(
    _ step: ImportedStep, every: Duration, _ policy: Concurrency, limit: Duration?, at place: Value,
    in context: ChaosMeshContext
  ) -> ImportedStep? {
    var every = every
    if step.length > every {
      switch policy {
      case .allow:
        place.mistake(
          "lasts \(step.length.text) and comes again every \(every.text): with concurrencyPolicy Allow the faults would"
            + " overlap themselves, which a plan refuses", fix: "a shorter duration, or concurrencyPolicy: Forbid")
        return nil
      case .forbid:
        let skipped = Int64((step.length / every).rounded(.up))
        let interval = every * skipped
        place.remark(
          "lasts \(step.length.text), longer than the \(every.text) after which it is due again: Chaos Mesh leaves out what"
            + " comes too early; here it comes every \(interval.text)")
        every = interval
      }
    }
    var times = context.repetitions
    if let limit {
      times = max(1, Int(clamping: Int64(((limit - step.length) / every).rounded(.down)) + 1))
      place.note("repeated \(times) times, as often as the deadline of \(limit.text) has room for")
    } else {
      place.remark(
        "a Schedule goes on until someone deletes it; here it comes \(times) times", fix: "choose with --times")
    }
    return times == 1 ? step : .repeated(step, times: times, every: every)
  }
}

/// The times of a Schedule, as far as they are an interval.
enum CronText {
  /// The interval that a schedule amounts to. A drill has no time of day: what names one is refused.
  static func interval(_ value: Value) -> Duration? {
    guard let text = value.words(expected: "a schedule such as '@every 5m' or '*/5 * * * *'") else { return nil }
    if text.hasPrefix("@every ") {
      guard let interval = GoDuration(String(text.dropFirst(7))), interval.nanoseconds > 0 else {
        value.mistake("expected a duration after @every, found \(quoted(text))")
        return nil
      }
      guard interval.nanoseconds >= 1_000_000_000 else {
        value.remark("less than a second is a second there, and here")
        return .seconds(1)
      }
      return interval.magnitude
    }
    if let named = ["@hourly": 3600, "@daily": 86_400, "@midnight": 86_400, "@weekly": 604_800][text] {
      value.note("\(text) is taken as an interval: a drill has no time of day")
      return .seconds(named)
    }
    guard let interval = steps(text.split(separator: " ").map(String.init)) else {
      value.mistake(
        "\(quoted(text)) names times of day or days, and a drill has none",
        fix: "an interval: '@every 5m', '*/5 * * * *'")
      return nil
    }
    return interval
  }

  /// `* * * * *`, `*/5 * * * *`, `0 */2 * * *`, and the same with seconds in front.
  private static func steps(_ fields: [String]) -> Duration? {
    guard fields.count == 5 || fields.count == 6, fields.suffix(3) == ["*", "*", "*"] else { return nil }
    let units: [Int64] = fields.count == 6 ? [1, 60, 3600] : [60, 3600]
    let ranges: [Int64] = fields.count == 6 ? [60, 60, 24] : [60, 24]
    let times = fields.dropLast(3)
    // The finest field that repeats gives the interval; those before it are fixed, those behind it are open.
    guard let index = times.firstIndex(where: { $0.hasPrefix("*") || $0.hasPrefix("0/") }) else { return nil }
    guard times[..<index].allSatisfy({ $0.utf8.allSatisfy { (48...57).contains($0) } && !$0.isEmpty }) else {
      return nil
    }
    guard times[(index + 1)...].allSatisfy({ $0 == "*" }) else { return nil }
    if times[index] == "*" { return .seconds(units[index]) }
    let parts = times[index].split(separator: "/")
    guard parts.count == 2, let step = Int64(parts[1]), step > 0, ranges[index] % step == 0 else { return nil }
    return .seconds(units[index] * step)
  }
}
