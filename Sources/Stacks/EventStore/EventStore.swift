/// placeholder
public struct EventStore: Sendable {
  /// Name of the database.
  public static let database = "blackstart"
}
