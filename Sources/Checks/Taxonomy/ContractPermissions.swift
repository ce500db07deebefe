extension Contract {
  /// Why the contract permits a row of the taxonomy; `nil` when it does not.
  func permission(of anomaly: Anomaly) -> String? {
    permissions.entries.first { $0.anomaly == anomaly }?.reason
  }
}
