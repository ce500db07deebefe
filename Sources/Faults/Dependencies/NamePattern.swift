/// Which names a rule means, compared without case (RFC 4343).
struct NamePattern: Sendable, Hashable {
  private enum Kind: Sendable, Hashable {
    case all
    case one(String)
    /// With a dot in front.
    case below(String)
  }

  private let kind: Kind

  init(_ text: String) {
    let name = Self.plain(text)
    if name == "*" {
      kind = .all
    } else if name.hasPrefix("*.") {
      kind = .below(String(name.dropFirst()))
    } else {
      kind = .one(name)
    }
  }

  func matches(_ name: String) -> Bool {
    let name = Self.plain(name)
    return switch kind {
    case .all: true
    case .one(let own): name == own
    case .below(let end): name.hasSuffix(end)
    }
  }

  func overlaps(_ other: NamePattern) -> Bool {
    switch (kind, other.kind) {
    case (.all, _), (_, .all): true
    case (.one(let name), .one(let second)): name == second
    case (.one(let name), .below(let end)), (.below(let end), .one(let name)): name.hasSuffix(end)
    case (.below(let end), .below(let second)): end.hasSuffix(second) || second.hasSuffix(end)
    }
  }

  /// Whether a text can be a pattern at all.
  static func isPossible(_ text: String) -> Bool {
    text == "*" || NameQuery.isPossible(text.hasPrefix("*.") ? String(text.dropFirst(2)) : text)
  }

  private static func plain(_ name: String) -> String {
    let name = name.lowercased()
    return name.hasSuffix(".") && name != "." ? String(name.dropLast()) : name
  }
}
