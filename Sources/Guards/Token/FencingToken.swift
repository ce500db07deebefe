/// The number of a reign: it rises with each, and whoever presents that of an earlier one is refused.
///
/// It is the create revision of the authority's key (etcd), so at least 1. Compared as a number: as text, 9 is above 10.
public struct FencingToken: Sendable, Hashable, Comparable, CustomStringConvertible {
  /// The number.
  public let value: Int64

  /// A token; `nil` for what is below 1.
  public init?(_ value: Int64) {
    guard value >= 1 else { return nil }
    self.value = value
  }

  /// A token as it travels: decimal digits, without sign, space or leading zero, so that each has one spelling only.
  public init?(text: some StringProtocol) {
    let digits = text.utf8
    guard (1...19).contains(digits.count), digits.first != UInt8(ascii: "0"),
      digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }), let value = Int64(text)
    else { return nil }
    self.value = value
  }

  /// Its digits.
  public var description: String { String(value) }

  /// Earlier reigns are below later ones.
  public static func < (one: FencingToken, other: FencingToken) -> Bool { one.value < other.value }
}

/// What a request says about its token.
public enum PresentedToken: Sendable, Hashable {
  /// Nothing.
  case absent
  /// Something that is no token, or more than one.
  case malformed(String)
  /// A token.
  case token(FencingToken)

  /// What stands in a Kafka client's `client.id`: `NAME;token=7`, in any place between semicolons.
  public init(clientID: String?) {
    let values = (clientID ?? "").split(separator: ";", omittingEmptySubsequences: false).compactMap { part in
      part.hasPrefix("token=") ? part.dropFirst("token=".count) : nil
    }
    self.init(values.map(String.init))
  }

  /// What stands in the header fields named `X-Fencing-Token`, each a value of its own.
  public init(_ values: [String]) {
    switch values.count {
    case 0: self = .absent
    case 1:
      if let token = FencingToken(text: values[0]) {
        self = .token(token)
      } else {
        self = .malformed(String(values[0].prefix(64)))
      }
    default: self = .malformed(String(values.joined(separator: ",").prefix(64)))
    }
  }

  /// As it was presented; `nil` for none.
  public var text: String? {
    switch self {
    case .absent: nil
    case .malformed(let text): text
    case .token(let token): token.description
    }
  }
}
