public import Checks

/// One row of the taxonomy of anomalies, as reports show it.
public struct AnomalySummary: Sendable, Hashable, Codable {
  /// The row, such as `L3`.
  public var row: String
  /// Its name.
  public var name: String
  /// How it stands.
  public var state: RowVerdict.State
  /// That, in a sentence.
  public var sentence: String
  /// The item that speaks for it; `nil`: none on this checklist.
  public var item: String?
  /// Where the smallest evidence of it stands; `nil`: an item has it, or there is nothing to show.
  public var witnessFile: String?
  /// How often errors of this row were planted for the checker's self-test, and found. `nil`: it was not tested.
  public var killRate: SelfTest.Rate?

  /// A row as the verdict has it.
  public init(_ row: RowVerdict) {
    self.row = row.anomaly.rawValue
    name = row.name
    state = row.state
    sentence = row.sentence
    item = row.item?.rawValue
    witnessFile = row.witnessFile
  }
}

/// How well one family of checks finds errors that are planted for it.
public struct KillRate: Sendable, Hashable, Codable {
  /// The family.
  public var family: String
  /// The rows of the taxonomy that its errors plant.
  public var rows: [String]
  /// How often an error was planted.
  public var planted: Int
  /// How often exactly that error was found.
  public var killed: Int
  /// Clean records that were checked.
  public var clean: Int
  /// Those in which something was found all the same.
  public var alarms: Int

  /// The figures of one family.
  public init(_ family: SelfTest.Family) {
    self.family = family.name
    rows = Anomaly.allCases.filter(family.rows.contains).map(\.rawValue)
    planted = family.planted
    killed = family.killed
    clean = family.clean
    alarms = family.alarms
  }
}

extension RunSummary {
  /// How many rows stand how: `49 clean, 13 not-applicable, of 62 rows`.
  var anomalyTally: String {
    let counts = RowVerdict.State.allCases.compactMap { state -> String? in
      let count = anomalies.count(where: { $0.state == state })
      return count == 0 ? nil : "\(count) \(state.rawValue)"
    }
    return "\(counts.joined(separator: ", ")), of \(counted(anomalies.count, "row"))"
  }

  /// Rows that weigh in the verdict on the whole by themselves, because no item speaks for them.
  var loneAnomalies: [AnomalySummary] {
    anomalies.filter { $0.item == nil && [.found, .inconclusive].contains($0.state) }
  }
}
