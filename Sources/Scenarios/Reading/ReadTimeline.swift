internal import Support

extension TimelineItem {
  /// Where a part of the timeline stands, which decides how it may begin.
  enum Place {
    /// In the timeline itself: it says when it begins.
    case timeline
    /// In a pattern, which begins it.
    case pattern
  }

  static func read(_ value: Value) -> TimelineItem? { read(value, in: .timeline, depth: 0) }

  /// Reads an entry or a pattern; the key that it has, says which.
  static func read(_ value: Value, in place: Place, depth: Int) -> TimelineItem? {
    guard depth < 8 else {
      value.mistake("patterns stand in patterns more than 8 deep", fix: "write some of them out")
      return nil
    }
    return value.fields { fields in
      let id = fields.required("id") { $0.name(longest: Expansion.longestID) }
      let kind = fields.only(
        ["fault", "sequence", "parallel", "repeat", "swizzle", "ramp"], called: "what happens", missing: "fault")
      let start = TimelineStart.read(fields, in: place)
      switch kind {
      case "fault": return TimelineEntry.read(fields, id, start).map { .entry($0) }
      case "sequence": return TimelineSequence.read(fields, id, start, depth).map { .sequence($0) }
      case "parallel": return TimelineGroup.read(fields, id, start, depth).map { .parallel($0) }
      case "repeat": return Repetition.read(fields, id, start, depth).map { .repetition($0) }
      case "swizzle": return Swizzle.read(fields, id, start).map { .swizzle($0) }
      case "ramp": return Ramp.read(fields, id, start).map { .ramp($0) }
      default:
        // Whether it ends makes sense of any kind that could be meant.
        return fields.acceptOthers()
      }
    }
  }
}

extension TimelineEntry {
  fileprivate static func read(_ fields: Fields, _ id: String?, _ start: TimelineStart?) -> TimelineEntry? {
    let stop = TimelineStop.read(fields)
    let fault = FaultSpecification.read(fields)
    guard let id, let start, let stop, let fault else { return nil }
    return TimelineEntry(id: id, start: start, fault: fault, stop: stop)
  }
}

extension TimelineStart {
  /// Reads the keys that say when something begins; they may stand among others.
  static func read(_ fields: Fields, in place: TimelineItem.Place) -> TimelineStart? {
    if place == .pattern, !fields.has("at"), !fields.has("after"), !fields.has("when") {
      _ = (fields.value("at"), fields.value("after"), fields.value("when"))
      return .at(.zero)
    }
    switch fields.only(["at", "after", "when"], called: "when it begins", missing: "at") {
    case "at":
      let time: Duration? = fields.required("at") { $0.unit() }
      return time.map { .at($0) }
    case "after": return fields.required("after", readAfter)
    case "when":
      let condition = fields.required("when", Condition.read)
      let within = fields.required("within") { $0.positiveDuration() }
      guard let condition, let within else { return nil }
      return .when(condition, within: within)
    default: return nil
    }
  }

  private static func readAfter(_ value: Value) -> TimelineStart? {
    value.fields { fields in
      let mark = fields.only(["fault", "step"], called: "what it comes after")
      let delay: Duration? = fields.optional("delay", or: .zero) { $0.unit() }
      switch mark {
      case "step":
        let id = fields.required("step") { $0.text(expected: "the id of a step") }
        guard let id, let delay else { return nil }
        return .after(.step(id), delay: delay)
      case "fault":
        let id = fields.required("fault") { $0.text(expected: "the id of a fault") }
        let state: Condition.FaultState? = fields.optional("state", or: .ended) {
          $0.choice(called: "a state of a fault")
        }
        guard let id, let state, let delay else { return nil }
        return .after(state == .begun ? .faultBegun(id) : .faultEnded(id), delay: delay)
      default: return fields.acceptOthers()
      }
    }
  }
}

extension TimelineStop {
  /// Reads the keys that say when a disturbance ends; they may stand among others.
  static func read(_ fields: Fields) -> TimelineStop? {
    switch fields.only(["for", "until"], called: "when it ends", missing: "for") {
    case "for": return fields.required("for") { $0.positiveDuration() }.map { .after($0) }
    case "until":
      let longest = fields.required("longest") { $0.positiveDuration() }
      let end = fields.required("until", readEnd)
      guard let longest, let end else { return nil }
      return end.condition.map { .until($0, longest: longest) } ?? .healed(longest: longest)
    default: return nil
    }
  }

  private static func readEnd(_ value: Value) -> (condition: Condition?, isRead: Bool)? {
    if case .mapping = value.node.content { return Condition.read(value).map { ($0, true) } }
    guard let text = value.text(expected: "'healed' or a condition") else { return nil }
    guard text == "healed" else {
      value.mistake(
        "expected 'healed' or a condition, found \(quoted(text))", fix: "such as until: { metric: leader, is: eu }")
      return nil
    }
    return (nil, true)
  }
}
