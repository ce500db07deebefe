/// A text that the run completes: `${secret:name}` stands for a secret, `${fact:name}` (in messages only) for a fact. As a
/// value it holds the references and never what they stand for.
public struct Template: Sendable, Hashable, Codable, CustomStringConvertible {
  /// A part of the text.
  public enum Part: Sendable, Hashable {
    /// Text as it stands.
    case literal(String)
    /// The secret of this name.
    case secret(String)
    /// The fact of this name.
    case fact(String)
  }

  /// The text with its references, as the scenario has it.
  public var text: String

  /// A template from its text.
  public init(_ text: String) { self.text = text }

  /// The text with its references.
  public var description: String { text }

  /// The text in parts. What looks like a reference but is none (`${other}`) is text.
  public var parts: [Part] {
    var parts: [Part] = []
    var rest = text[...]
    var literal = ""
    while let start = rest.firstRange(of: "${") {
      literal += rest[..<start.lowerBound]
      guard let end = rest[start.upperBound...].firstIndex(of: "}") else { break }
      let name = rest[start.upperBound..<end]
      let known: [(String, (String) -> Part)] = [("secret:", Part.secret), ("fact:", Part.fact)]
      if let (prefix, make) = known.first(where: { name.hasPrefix($0.0) }) {
        if !literal.isEmpty { parts.append(.literal(literal)) }
        literal = ""
        parts.append(make(String(name.dropFirst(prefix.count))))
      } else {
        literal += rest[start.lowerBound...end]
      }
      rest = rest[rest.index(after: end)...]
    }
    literal += rest
    if !literal.isEmpty { parts.append(.literal(literal)) }
    return parts
  }

  /// The first reference in it, as it is written.
  var firstReference: String? {
    guard text.utf8.contains(UInt8(ascii: "$")) else { return nil }
    for part in parts {
      switch part {
      case .literal: continue
      case .secret(let name): return "${secret:\(name)}"
      case .fact(let name): return "${fact:\(name)}"
      }
    }
    return nil
  }

  /// The names of the secrets in it, in the order of the text.
  public var secrets: [String] { parts.compactMap { if case .secret(let name) = $0 { name } else { nil } } }

  /// The names of the facts in it, in the order of the text.
  public var facts: [String] { parts.compactMap { if case .fact(let name) = $0 { name } else { nil } } }

  /// The text with every reference replaced. The result of `secret` must not leave the call it is for.
  public func resolved<Failure: Error>(
    secret: (String) throws(Failure) -> String, fact: (String) throws(Failure) -> String
  ) throws(Failure) -> String {
    var result = ""
    for part in parts {
      switch part {
      case .literal(let text): result += text
      case .secret(let name): result += try secret(name)
      case .fact(let name): result += try fact(name)
      }
    }
    return result
  }

  /// Reads a text.
  public init(from decoder: any Decoder) throws {
    text = try decoder.singleValueContainer().decode(String.self)
  }

  /// Writes the text with its references.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(text)
  }
}
