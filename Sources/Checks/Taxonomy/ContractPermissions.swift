extension Contract {
  /// Why the contract permits a row of the taxonomy; `nil` when it does not.
  func permission(of anomaly: Anomaly) -> String? {
    permissions.entries.first { $0.anomaly == anomaly }?.reason
  }
}

extension DrillVerdict {
  /// What was permitted in this drill, used or not.
  public struct Permitted: Sendable, Hashable {
    /// The row.
    public var anomaly: Anomaly
    /// Whether it was seen, and why it may be, in a sentence.
    public var text: String
  }

  /// Each permission of the contract with what came of it, in the order of the taxonomy.
  public var permitted: [Permitted] {
    contract.permissions.entries.map { entry in
      let row = rows.first { $0.anomaly == entry.anomaly }
      let seen =
        row?.state == .permitted
        ? "seen \(counted(row?.total ?? 0, "time"))" : "not seen (\(row?.state.rawValue ?? "not looked for"))"
      return Permitted(anomaly: entry.anomaly, text: "\(seen); permitted because \(entry.reason)")
    }
  }
}
