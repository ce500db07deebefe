internal import Glibc
internal import Scenarios
internal import Support

/// Reads secrets when they are needed. What it returns must go nowhere but into the call it is for.
struct Secrets: Sendable {
  private let sources: [String: Secret.Source]

  init(_ secrets: [Secret]) {
    sources = Dictionary(secrets.map { ($0.name, $0.source) }, uniquingKeysWith: { $1 })
  }

  /// The secret of that name.
  ///
  /// - Throws: ``Problem`` that names the secret and where it was to be had, never what it is.
  func value(_ name: String) throws(Problem) -> String {
    switch sources[name] {
    case nil: throw Problem(.usage, "there is no secret '\(name)'")
    case .environment(let variable):
      guard let value = getenv(variable) else {
        throw Problem(.usage, "the secret '\(name)' is to be had in the variable \(variable), which is not set")
      }
      return String(cString: value)
    case .file(let path):
      do throws(SystemError) {
        var bytes = try readFile(path, limit: 1 << 16)
        if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
        return String(decoding: bytes, as: UTF8.self)
      } catch {
        throw Problem(.usage, at: path, "the secret '\(name)' cannot be read: \(error)")
      }
    }
  }

  /// Takes the secrets of some templates out of a text, and leaves their references. One that cannot be read now is in no text.
  func hiding(of templates: [Template]) -> (String) -> String {
    var known: [(name: String, value: String)] = []
    for name in Set(templates.flatMap(\.secrets)) {
      do throws(Problem) { known.append((name, try value(name))) } catch { continue }
    }
    // The longest first: one may be a part of another.
    known.sort { ($0.value.utf8.count, $1.name) > ($1.value.utf8.count, $0.name) }
    return { text in
      known.reduce(text) { $1.value.isEmpty ? $0 : $0.replacing($1.value, with: "${secret:\($1.name)}") }
    }
  }

  /// A text with its secrets filled in; facts are not filled in here.
  func fill(_ template: Template) throws(Problem) -> String {
    try template.resolved(
      secret: { (name) throws(Problem) in try value(name) }, fact: { (name) throws(Problem) in "${fact:\(name)}" })
  }
}
