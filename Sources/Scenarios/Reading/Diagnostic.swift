public import Support

/// One remark about a scenario, at the place in the file that it is about.
public struct Diagnostic: Sendable, Hashable, Codable, CustomStringConvertible {
  /// How much it weighs.
  public enum Severity: String, Sendable, Hashable, Codable {
    /// The scenario cannot be run.
    case error
    /// It can be run, but probably does not mean what it says, or some verdict cannot be had.
    case warning
    /// Worth knowing before reading the verdict.
    case note
  }

  /// How much it weighs.
  public var severity: Severity
  /// Where it stands in the file.
  public var location: SourceLocation
  /// The key's path, such as `timeline[0].for`; empty for the whole document.
  public var path: String
  /// What is wrong, and what was expected.
  public var what: String
  /// What to write instead, where that can be known.
  public var fix: String?

  /// A remark with its place and remedy.
  public init(_ severity: Severity, at location: SourceLocation, path: String, _ what: String, fix: String? = nil) {
    self.severity = severity
    self.location = location
    self.path = path
    self.what = what
    self.fix = fix
  }

  /// `file:line:column: error: path: what`, and the fix on its own line.
  public var description: String {
    "\(location): \(severity.rawValue): \(message)" + (fix.map { "\n  fix: \($0)" } ?? "")
  }

  /// The same as an error that ends the command with exit code 2.
  public var problem: Problem { Problem(.usage, at: location.description, message, fix: fix) }

  private var message: String { path.isEmpty ? what : "\(path): \(what)" }
}

extension [Diagnostic] {
  /// In the order of `files` and of the places in them, the graver one first where two stand at one place; each only once.
  func inFileOrder(_ files: [String]) -> [Diagnostic] {
    let order = Dictionary(files.enumerated().map { ($1, $0) }, uniquingKeysWith: { one, _ in one })
    func rank(_ severity: Diagnostic.Severity) -> Int {
      switch severity {
      case .error: 0
      case .warning: 1
      case .note: 2
      }
    }
    func place(_ remark: Diagnostic) -> (Int, Int, Int, Int, String) {
      let location = remark.location
      return (order[location.file] ?? 0, location.line, location.column, rank(remark.severity), remark.what)
    }
    var seen: Set<Diagnostic> = []
    return filter { seen.insert($0).inserted }.sorted { place($0) < place($1) }
  }
}
