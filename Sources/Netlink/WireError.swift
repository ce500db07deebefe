/// A message that cannot be written or read: which field, and what is wrong with it.
public enum WireError: Error, Sendable, Hashable, Codable, CustomStringConvertible {
  /// The bytes end inside `field`.
  case truncated(field: String, need: Int, have: Int)
  /// A length field contradicts the bytes that are there.
  case badLength(field: String, length: Int)
  /// An attribute's payload does not fit the 16 bits of its length.
  case attributeTooLong(type: UInt16, length: Int)
  /// A message lacks an attribute that it must have.
  case missing(field: String)
  /// A text field is not terminated, or not UTF-8.
  case badText(field: String)

  /// One line for people.
  public var description: String {
    switch self {
    case .truncated(let field, let need, let have): "\(field) needs \(need) bytes, the message has \(have)"
    case .badLength(let field, let length): "\(field) has the impossible length \(length)"
    case .attributeTooLong(let type, let length): "attribute \(type) is \(length) bytes long, more than 65,535"
    case .missing(let field): "\(field) is missing"
    case .badText(let field): "\(field) is no text"
    }
  }
}
