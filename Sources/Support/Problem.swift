/// What the exit status of `blackstart` says to a script (design: four verdicts, distinct exit codes).
public enum ExitCode: Int32, Sendable, Codable {
  /// Every checklist item passed.
  case pass = 0
  /// At least one item failed.
  case fail = 1
  /// The scenario or the command line is wrong; nothing was done.
  case usage = 2
  /// The steady state did not hold beforehand; nothing was injected.
  case steadyState = 3
  /// A fault could not be applied, or its effect could not be verified.
  case faultNotApplied = 4
  /// Recovery is incomplete: a fault or a part of the lab may remain.
  case recoveryIncomplete = 5
  /// Ended by an abort condition or the operator; all faults verified gone.
  case aborted = 6
  /// No item failed, but some item is inconclusive or vacuous.
  case inconclusive = 7
  /// Ended by SIGINT; all faults verified gone.
  case interrupted = 130
  /// Ended by SIGTERM; all faults verified gone.
  case terminated = 143
}

/// A place in a file that a person wrote. Line and column count from 1.
public struct SourceLocation: Sendable, Hashable, Codable, CustomStringConvertible {
  /// The file as the person named it.
  public var file: String
  /// Line, from 1.
  public var line: Int
  /// Column in characters, from 1.
  public var column: Int

  /// A place in `file`.
  public init(file: String, line: Int, column: Int) {
    self.file = file
    self.line = line
    self.column = column
  }

  /// `file:line:column`.
  public var description: String { "\(file):\(line):\(column)" }
}

/// An error as a person reads it: what happened, where, how to mend it, and with which exit code the command ends.
public struct Problem: Error, Sendable, Hashable, CustomStringConvertible {
  /// How the command ends when nobody handles this.
  public var code: ExitCode
  /// The place: a `file:line:column`, a node, a kernel object. `nil` when there is none.
  public var place: String?
  /// What happened, and what state things are in now.
  public var what: String
  /// What the reader can do. `nil` when there is nothing to do.
  public var fix: String?

  /// An error with its place, text and remedy.
  public init(_ code: ExitCode, at place: String? = nil, _ what: String, fix: String? = nil) {
    self.code = code
    self.place = place
    self.what = what
    self.fix = fix
  }

  /// `place: error: what`, and the fix on its own line.
  public var description: String {
    let head = place.map { "\($0): " } ?? ""
    let tail = fix.map { "\n  fix: \($0)" } ?? ""
    return "\(head)error: \(what)\(tail)"
  }
}

/// Several mistakes found in one pass over one input, in the order of their places.
public struct Problems: Error, Sendable, Hashable, CustomStringConvertible {
  /// The mistakes; never empty.
  public var items: [Problem]

  /// A group of mistakes.
  public init(_ items: [Problem]) {
    self.items = items
  }

  /// One mistake after the other.
  public var description: String { items.map(\.description).joined(separator: "\n") }
}

/// The text of an errno value, with its number: `Operation not permitted (1)`.
public func errnoText(_ number: Int32) -> String {
  "\(SystemError.text(number)) (\(number))"
}
