internal import Support

/// A piece of HTML or SVG that is already escaped. Text becomes markup only through ``text(_:)`` and attributes, which
/// escape it; so nothing that a run recorded can become an element of its report.
struct Markup: ExpressibleByStringLiteral, Sendable {
  private(set) var source: String

  /// Trusted markup, written in this program: a literal, so that nothing recorded can be in it.
  init(stringLiteral source: StaticString) { self.source = source.description }

  private init(source: String) { self.source = source }

  /// Text, escaped.
  static func text(_ text: String) -> Markup { Markup(source: escaped(text)) }

  /// An element.
  static func element(_ name: String, _ attributes: [String: String] = [:], _ content: Markup...) -> Markup {
    let head = attributes.sorted { $0.key < $1.key }.map { " \($0.key)=\"\(escaped($0.value))\"" }.joined()
    let body = content.map(\.source).joined()
    let isVoid = body.isEmpty && ["rect", "line", "path", "circle", "meta"].contains(name)
    return Markup(source: isVoid ? "<\(name)\(head)/>" : "<\(name)\(head)>\(body)</\(name)>")
  }

  /// An element that holds text.
  static func element(_ name: String, _ attributes: [String: String] = [:], text: String) -> Markup {
    element(name, attributes, .text(text))
  }

  /// The pieces one after the other.
  static func joined(_ parts: [Markup], _ separator: String = "\n") -> Markup {
    Markup(source: parts.map(\.source).joined(separator: separator))
  }
}

/// A coordinate in a drawing: two decimals are a fifth of what a screen shows.
func coordinate(_ value: Double) -> String {
  let text = fixed(value, 2)
  return text.hasSuffix(".00") ? String(text.dropLast(3)) : text
}
