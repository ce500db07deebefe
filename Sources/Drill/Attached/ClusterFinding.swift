/// One thing that was looked at in clusters that stand already, and how it stands.
public struct ClusterFinding: Sendable, Hashable, Codable {
  /// How it stands.
  public enum Standing: String, Sendable, Hashable, Codable {
    /// As it should.
    case fine
    /// A drill can be run, and something about it should be known.
    case remark
    /// No drill can be run, or none of what it is to show could be shown.
    case wrong
  }

  /// The cluster or mirror, and what of it: `east: rights`.
  public var subject: String
  /// How it stands.
  public var standing: Standing
  /// What was found.
  public var detail: String
  /// What to do about it; `nil`: nothing.
  public var fix: String?

  init(_ subject: String, _ standing: Standing, _ detail: String, fix: String? = nil) {
    self.subject = subject
    self.standing = standing
    self.detail = detail
    self.fix = fix
  }
}
