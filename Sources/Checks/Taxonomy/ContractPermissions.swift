extension Contract {
  /// Why the contract permits a row of the taxonomy; `nil` when it does not.
  func permission(of anomaly: Anomaly) -> String? {
    nil
  }
}
