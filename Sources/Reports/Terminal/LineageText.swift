public import Events
internal import Support

/// What became of one event, question by question, as a person reads it in a terminal.
///
/// - Parameters:
///   - lineage: what the evidence says about the event.
///   - start: the moment that times are counted from, nanoseconds on the recorder's clock.
///   - color: whether the terminal takes colour.
public func lineageText(_ lineage: Lineage, since start: Int64, color: Bool) -> String {
  let page = LineagePage(lineage: lineage, start: start)
  let paint = Paint(isOn: color)
  let key = lineage.key.map { ", number \(lineage.keySequence ?? 0) of aggregate \($0)" } ?? ""
  var lines = [paint.strong("\(lineage.event)\(key)")]
  for (question, answer, details) in page.questions {
    lines.append("  \(question)\(String(repeating: " ", count: max(1, 14 - question.count)))\(answer)")
    lines += details.map { "                \(printable($0))" }
  }
  return lines.joined(separator: "\n") + "\n"
}

private struct LineagePage {
  let lineage: Lineage
  let start: Int64

  var questions: [(question: String, answer: String, details: [String])] {
    [
      ("published", text(lineage.published), lineage.attempts.map(attempt)),
      ("acknowledged", text(lineage.acknowledged), []),
      ("replicated", text(lineage.replicated), lineage.copies.map(copy)),
      ("processed", text(lineage.processed), lineage.deliveries.map(delivery)),
      (
        "effect once", text(lineage.tookEffectOnce),
        lineage.effects.map { "\($0.group) on \($0.store): \($0.times) times" }
      ),
      ("reconciled", text(lineage.reconciled), lineage.touches.map(touch)),
    ]
  }

  private func text(_ answer: Lineage.Answer) -> String {
    switch answer {
    case .yes: "yes"
    case .no: "no"
    case .unknown(let missing): "cannot be told: \(missing)"
    }
  }

  private func moment(_ time: Int64) -> String { "at \(fixed(Double(time - start) / 1e9, 3)) s" }

  private func attempt(_ attempt: Lineage.Attempt) -> String {
    var text = "\(moment(attempt.invoked)) from \(attempt.region) to \(place(attempt.store, attempt.partition))"
    if let token = attempt.token { text += ", token \(token)\(attempt.isStale ? " (stale on purpose)" : "")" }
    text += ": \(attempt.end.rawValue)"
    if let code = attempt.code { text += " (\(code))" }
    if let position = attempt.position { text += ", position \(position)" }
    if let epoch = attempt.leaderEpoch { text += ", leader epoch \(epoch)" }
    if let completed = attempt.completed { text += " after \(Duration.nanoseconds(completed - attempt.invoked).brief)" }
    return text
  }

  private func copy(_ copy: Lineage.Copy) -> String {
    var text = place(copy.store, copy.partition)
    if let position = copy.position { text += ", position \(position)" }
    if let origin = copy.origin { text += origin == copy.store ? ", accepted there" : ", from \(origin)" }
    text += copy.firstSeen.map { ", first seen \(moment($0))" } ?? ", seen by nobody during the drill"
    if let commit = copy.commit { text += ", committed on timeline \(commit.timeline) at \(commit.location)" }
    switch copy.inLog {
    case true?: text += ", in the log at the end"
    case false?: text += ", NOT in the log at the end"
    case nil: text += ", log not dumped"
    }
    return text
  }

  private func delivery(_ delivery: Lineage.Delivery) -> String {
    let group = delivery.group ?? "worker \(delivery.process)"
    let member = delivery.member.map { " (\($0))" } ?? ""
    let position = delivery.position.map { ", position \($0)" } ?? ""
    return "\(moment(delivery.at)) \(group)\(member) on \(place(delivery.store, delivery.partition))\(position): "
      + delivery.work.rawValue
  }

  private func touch(_ touch: Lineage.Touch) -> String {
    "\(touch.disposition.rawValue), had by \(touch.store)\(touch.at.map { ", \(moment($0))" } ?? "")"
  }

  private func place(_ store: String, _ partition: String?) -> String { partition.map { "\(store)/\($0)" } ?? store }
}
