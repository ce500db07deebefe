internal import Support

/// How well the checker finds errors that were planted into clean records, and how quiet it is without any.
public struct SelfTest: Sendable, Hashable, Codable {
  /// One error, planted with several seeds.
  public struct Error: Sendable, Hashable, Codable {
    /// What was done.
    public var name: String
    /// The rows that must be found, and no other.
    public var expected: [Anomaly]
    /// How often it was planted.
    public var planted: Int
    /// How often exactly the expected rows were found.
    public var killed: Int
    /// The first seed with which something else was found, and what. `nil`: none.
    public var miss: Miss?
  }

  /// A planted error that was not judged as it should be.
  public struct Miss: Sendable, Hashable, Codable {
    /// The seed.
    public var seed: UInt64
    /// What was found instead.
    public var found: [Anomaly]
  }

  /// One family of checks.
  public struct Family: Sendable, Hashable, Codable {
    /// Its name.
    public var name: String
    /// Clean records that were checked.
    public var clean: Int
    /// Those in which something was found.
    public var alarms: Int
    /// The first of those. `nil`: none.
    public var alarm: Miss?
    /// The errors.
    public var errors: [Error]

    /// How often errors were planted.
    public var planted: Int { errors.map(\.planted).reduce(0, +) }
    /// How often they were found as expected.
    public var killed: Int { errors.map(\.killed).reduce(0, +) }
    /// The rows that its errors plant.
    public var rows: Set<Anomaly> { errors.reduce(into: []) { $0.formUnion($1.expected) } }
  }

  /// How often one row was planted, and found exactly.
  public struct Rate: Sendable, Hashable, Codable, CustomStringConvertible {
    /// How often an error was planted that shows in the row.
    public var planted: Int
    /// How often exactly what was planted was found.
    public var killed: Int

    /// `40 of 40`.
    public var description: String { "\(killed) of \(planted)" }
  }

  /// The families.
  public var families: [Family]

  /// How often errors were planted in all.
  public var planted: Int { families.map(\.planted).reduce(0, +) }
  /// How often exactly what was planted was found.
  public var killed: Int { families.map(\.killed).reduce(0, +) }
  /// Clean records that were checked.
  public var clean: Int { families.map(\.clean).reduce(0, +) }
  /// Those in which something was found all the same.
  public var alarms: Int { families.map(\.alarms).reduce(0, +) }
  /// Whether all planted errors were found, exactly, and nothing else.
  public var isPerfect: Bool { planted > 0 && killed == planted && alarms == 0 }

  /// The kill rate of the check of one row. `nil`: no error plants it.
  public func rate(of row: Anomaly) -> Rate? {
    let errors = families.flatMap(\.errors).filter { $0.expected.contains(row) }
    guard !errors.isEmpty else { return nil }
    return Rate(planted: errors.map(\.planted).reduce(0, +), killed: errors.map(\.killed).reduce(0, +))
  }

  /// `412 of 412 planted errors found exactly (100 %), 0 of 40 clean records raised an alarm`.
  public var sentence: String {
    let share = planted == 0 ? 0 : Double(killed) / Double(planted)
    // 99.96 % is not 100 %.
    let rate = killed == planted ? "100 %" : "\(fixed(min(share * 100, 99.9), 1)) %"
    return "\(grouped(killed)) of \(counted(planted, "planted error")) found exactly (\(rate)), "
      + "\(grouped(alarms)) of \(counted(clean, "clean record")) raised an alarm"
  }

  /// Plants every error of `families` with each of `seeds`, and checks as many clean records as `clean` has.
  public init(
    _ families: [PlantedErrors] = PlantedErrors.all, seeds: Range<UInt64>, clean: Range<UInt64>
  ) {
    self.families = families.map { family in
      let alarms = clean.lazy.map { Miss(seed: $0, found: family.findInClean($0).sorted()) }.filter {
        !$0.found.isEmpty
      }
      let raised = Array(alarms)
      return Family(
        name: family.family, clean: clean.count, alarms: raised.count, alarm: raised.first,
        errors: family.errors.map { Error($0, seeds) })
    }
  }
}

extension SelfTest.Error {
  fileprivate init(_ error: PlantedError, _ seeds: Range<UInt64>) {
    name = error.name
    let wanted = error.expected.sorted()
    expected = wanted
    planted = seeds.count
    let misses = seeds.map { SelfTest.Miss(seed: $0, found: error.find($0).sorted()) }.filter { $0.found != wanted }
    killed = seeds.count - misses.count
    miss = misses.first
  }
}

extension PlantedErrors {
  /// Every family.
  public static let all = [logs, mirrors, leadership, failover]
}

extension Set<Anomaly> {
  /// In the order of the taxonomy.
  fileprivate func sorted() -> [Anomaly] { Anomaly.allCases.filter(contains) }
}
