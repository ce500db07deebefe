public import Netlink

/// Who could reach whom: one entry for each ordered pair of nodes and each family that both have.
public struct Reachability: Sendable, Hashable, Codable {
  /// One direction between two nodes.
  public struct Path: Sendable, Hashable, Codable {
    /// The sender.
    public var from: String
    /// The receiver.
    public var to: String
    /// The family.
    public var family: IPAddress.Family
    /// Datagrams given to the sender's kernel, over all pairs of addresses.
    public var sent: Int
    /// Of these, those that arrived.
    public var arrived: Int
    /// Tries that the sender's kernel refused, with the last errno.
    public var refused: Int
    /// See ``refused``; `nil` if none was.
    public var errno: Int32?
    /// How long those that arrived were on their way, nanoseconds, sorted. Both ends share one clock, so it is exact.
    public var delays: [Int64] = []

    /// The middle one of ``delays``; `nil` if nothing arrived.
    public var delay: Int64? { delays.isEmpty ? nil : delays[delays.count / 2] }

    /// What can be said of the path.
    public var state: State {
      if arrived > 0 { return .open }
      return sent > 0 ? .closed : .unknown
    }
  }

  /// What can be said of a path.
  public enum State: String, Sendable, Hashable, Codable {
    /// Something arrived.
    case open
    /// Something was sent, and nothing arrived.
    case closed
    /// Nothing could be sent, so nothing is known.
    case unknown
  }

  /// When it was measured, nanoseconds on the monotonic clock: first datagram, last wait.
  public var fromNanoseconds: Int64
  /// See ``fromNanoseconds``.
  public var untilNanoseconds: Int64
  /// The paths, in the order of the endpoints.
  public var paths: [Path]

  /// What was measured in that time.
  public init(fromNanoseconds: Int64, untilNanoseconds: Int64, paths: [Path]) {
    self.fromNanoseconds = fromNanoseconds
    self.untilNanoseconds = untilNanoseconds
    self.paths = paths
  }

  /// The path from one node to another, or `nil` if it was not measured.
  public func path(from: String, to: String, _ family: IPAddress.Family) -> Path? {
    paths.first { $0.from == from && $0.to == to && $0.family == family }
  }

  /// What contradicts an expectation, as text; empty if everything is as expected. What is not known contradicts.
  ///
  /// - Parameter isOpen: whether datagrams from the first node should reach the second; `nil` where either may be.
  public func contradictions(isOpen: (_ from: String, _ to: String) -> Bool?) -> [String] {
    contradictions { path in isOpen(path.from, path.to) }
  }

  /// As ``contradictions(isOpen:)``, with an expectation for each family.
  public func contradictions(where isOpen: (Path) -> Bool?) -> [String] {
    paths.compactMap { path in
      guard let isOpen = isOpen(path) else { return nil }
      let wanted: State = isOpen ? .open : .closed
      guard path.state != wanted else { return nil }
      let refused = path.errno.map { ", \(path.refused) refused with errno \($0)" } ?? ""
      return "\(path.from) → \(path.to) (\(path.family)): expected \(wanted), is \(path.state): "
        + "\(path.arrived) of \(path.sent) arrived\(refused)"
    }
  }
}
