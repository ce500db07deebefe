internal import Events

/// What a drill's evidence says about one row of the taxonomy.
public struct RowVerdict: Sendable, Hashable, Codable {
  /// The ways in which a row can stand.
  public enum State: String, Sendable, Hashable, Codable, CaseIterable {
    /// It was looked for and is not there.
    case clean
    /// It is there, whatever the clocks.
    case found
    /// It may be there: that rests on comparing the clocks of two nodes.
    case possible
    /// It is there, and the contract permits it.
    case permitted
    /// There was nothing to look at.
    case unexercised
    /// It cannot be told, because evidence is missing.
    case inconclusive
    /// This stack has no evidence of it.
    case notApplicable = "not-applicable"
  }

  /// The row.
  public var anomaly: Anomaly
  /// Its name.
  public var name: String
  /// The item that speaks for it. `nil`: none on this checklist, so that a finding fails the drill by itself.
  public var item: ChecklistItem?
  /// How it stands.
  public var state: State
  /// That, in a sentence.
  public var sentence: String
  /// How much was looked at. `nil`: nothing was.
  public var examined: Count?
  /// How many violations there are, permitted and possible ones included.
  public var total: Int
  /// The first of them, at most ``Witness/limit``. Certain ones only, unless the row is merely possible.
  public var findings: [Finding]
  /// The file in the run directory that holds the smallest evidence that still shows it. `nil`: an item has that, or there is
  /// nothing to show.
  public var witnessFile: String?

  /// What the row weighs in the verdict on the whole where no item speaks for it.
  var kind: Verdict.Kind {
    switch state {
    case .found: .fail
    case .inconclusive: .inconclusive
    case .clean, .possible, .permitted, .unexercised, .notApplicable: .pass
    }
  }
}

extension RowVerdict {
  /// The verdict on a row that was examined.
  ///
  /// - Parameters:
  ///   - item: the item of this checklist that speaks for it.
  ///   - permission: why the contract permits it; `nil` when it does not.
  ///   - gaps: what is missing of the record as a whole.
  init(_ row: RowExamination, item: ChecklistItem?, permission: String?, gaps: [String]) {
    anomaly = row.anomaly
    name = row.anomaly.name
    self.item = item
    examined = row.examined
    total = row.findings.count
    let certain = row.findings.filter { $0.certainty != .possible }
    findings = Array((certain.isEmpty ? row.findings : certain).prefix(Witness.limit))
    let looked = row.examined.map { "\(grouped($0.value)) \($0.name)" } ?? "nothing"
    let missing = row.missing + (row.notApplicable == nil ? gaps : [])
    if let first = findings.first {
      state = permission != nil ? .permitted : certain.isEmpty ? .possible : .found
      sentence = "\(counted(total, "violation")) in \(looked): \(first.what)"
      if let permission { sentence = "permitted (\(permission)): \(sentence)" }
      if state == .possible { sentence = "possible, within the uncertainty of the clocks: \(sentence)" }
    } else if let reason = row.notApplicable {
      state = .notApplicable
      sentence = reason
    } else if !missing.isEmpty {
      state = .inconclusive
      sentence = Missing(missing).sentence
    } else if (row.examined?.value ?? 0) == 0 {
      state = .unexercised
      sentence = "there was nothing to look at: 0 \(row.examined?.name ?? "")"
    } else {
      state = .clean
      sentence = "none in \(looked)"
    }
  }
}

/// What the families and the items' own checks found, row by row: a violation stands in the table whoever found it.
struct RowTable {
  /// What the families found.
  let families: [Anomaly: RowExamination]
  private var rows: [Anomaly: RowExamination]
  private let checklist: [ChecklistItem]
  /// The events that the items' own checks have convicted.
  private var charged: [EventID: Set<ChecklistItem>] = [:]

  init(_ examinations: [RowExamination], _ checklist: [ChecklistItem]) {
    self.checklist = checklist
    families = Dictionary(examinations.map { ($0.anomaly, $0) }, uniquingKeysWith: { _, last in last })
    rows = families
  }

  /// Takes in the judgement of an item's own check.
  mutating func add(_ judgement: Judgement, of item: ChecklistItem) {
    for anomaly in item.ownRows where rows[anomaly]?.examined == nil {
      let counted = judgement.missing.isEmpty ? judgement.coverage.counts.first : nil
      rows[anomaly] =
        counted.map { RowExamination(anomaly, in: $0) } ?? .inconclusive(anomaly, missing: judgement.missing)
    }
    for finding in judgement.findings {
      guard let anomaly = Anomaly(rawValue: finding.anomaly) else { continue }
      var row = rows[anomaly] ?? .inconclusive(anomaly, missing: [])
      row.notApplicable = nil
      if !row.findings.contains(where: { $0.isSame(as: finding) }) { row.findings.append(finding) }
      rows[anomaly] = row
      for event in finding.events { charged[event, default: []].insert(item) }
    }
  }

  /// The row; where nobody looked for it, that is said.
  subscript(_ anomaly: Anomaly) -> RowExamination {
    rows[anomaly] ?? .notApplicable(anomaly, "no check of this checklist looks for it")
  }

  /// The item that speaks for the row; of a row with violations, the one that speaks for all of them.
  func item(for anomaly: Anomaly) -> ChecklistItem? {
    guard let findings = rows[anomaly]?.findings, let first = findings.first else { return item(madeFor: anomaly) }
    let items = findings.map { item(for: $0, of: anomaly) }
    return items.contains(nil) ? nil : item(for: first, of: anomaly)
  }

  /// The item that a violation fails. One violation shows in several rows: what an item's own check has convicted already is
  /// its, and else it is that of the item made for the row.
  func item(for finding: Finding, of anomaly: Anomaly) -> ChecklistItem? {
    let made = item(madeFor: anomaly)
    let convicted = finding.events.reduce(into: Set<ChecklistItem>()) { $0.formUnion(charged[$1] ?? []) }
    if let made, convicted.contains(made) { return made }
    return checklist.first(where: convicted.contains) ?? made
  }

  private func item(madeFor anomaly: Anomaly) -> ChecklistItem? {
    // A translated offset beyond the end is for the item about translation, where that is on the checklist.
    if anomaly == .translationBeyondEnd, checklist.contains(.offsetsTranslated) { return .offsetsTranslated }
    return anomaly.item.flatMap { checklist.contains($0) ? $0 : nil }
  }
}

extension Finding {
  /// Whether both tell of one violation: the same row, the same events (or, where neither names any, the same words), the same
  /// store as far as both name one.
  func isSame(as other: Finding) -> Bool {
    guard anomaly == other.anomaly, store == nil || other.store == nil || store == other.store else { return false }
    return events.isEmpty || other.events.isEmpty
      ? what == other.what : !Set(events).isDisjoint(with: other.events)
  }
}
