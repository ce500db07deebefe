public import Netlink

/// The addresses that a name had at some moment, and for how long that may be believed.
public struct ResolvedName: Sendable, Hashable, Codable {
  /// The name.
  public var name: String
  /// Its addresses of both families, sorted, each once.
  public var addresses: [IPAddress]
  /// How long to believe it: the shortest time to live of all records that led here, at least 1 s and at most 300 s. What
  /// comes from `/etc/hosts` lives 1 s, for the file may change.
  public var lifeMilliseconds: Int64
  /// The families that could not be asked about, with the reason; a family without addresses is not among them. Empty if
  /// ``addresses`` is all there is.
  public var unanswered: [IPAddress.Family: String]

  /// Puts together what was learned of a name.
  ///
  /// - Parameter timesToLive: seconds, of every record.
  public init(
    _ name: String, _ addresses: [IPAddress], timesToLive: [Int64], unanswered: [IPAddress.Family: String] = [:]
  ) {
    self.name = name
    self.addresses = Set(addresses).sorted()
    lifeMilliseconds = 1000 * min(300, max(1, timesToLive.min() ?? 1))
    self.unanswered = unanswered
  }

  /// What is different from an earlier answer about the same name.
  ///
  /// Addresses of a family that could not be asked about this time are taken to be what they were.
  public func change(since earlier: ResolvedName?) -> NameChange {
    let before = Set(earlier?.addresses ?? [])
    let now = Set(addresses)
    return NameChange(
      name: name, added: now.subtracting(before).sorted(),
      removed: before.subtracting(now).filter { unanswered[$0.family] == nil }.sorted())
  }
}

/// How the addresses of a name have changed.
public struct NameChange: Sendable, Hashable, Codable {
  /// The name.
  public var name: String
  /// Addresses that it has got, sorted.
  public var added: [IPAddress]
  /// Addresses that it has no more, sorted.
  public var removed: [IPAddress]

  /// True if nothing changed.
  public var isEmpty: Bool { added.isEmpty && removed.isEmpty }

  /// A change of a name.
  public init(name: String, added: [IPAddress], removed: [IPAddress]) {
    self.name = name
    self.added = added
    self.removed = removed
  }
}

/// Why a name has no addresses.
public enum ResolverError: Error, Sendable, Hashable, Codable, CustomStringConvertible {
  /// It cannot be a name.
  case badName(String)
  /// There is no such name, or it has no address of either family. This is an answer, and not a failure to get one.
  case unknown(String)
  /// No answer for either family; the text says why. What was known before may still be true.
  case unanswered(String, reason: String)
  /// The resolver could not be set up.
  case unusable(reason: String)

  /// One line for people.
  public var description: String {
    switch self {
    case .badName(let name): "\"\(name)\" cannot be a host name"
    case .unknown(let name): "there is no host \"\(name)\", or it has no address"
    case .unanswered(let name, let reason): "no answer about the addresses of \"\(name)\": \(reason)"
    case .unusable(let reason): "names cannot be resolved: \(reason)"
    }
  }
}
