/// Why a text could not be read as a history, and where.
public struct ImportError: Error, Sendable, Hashable {
  /// The line, from 1.
  public var line: Int
  /// The column in bytes, from 1. `nil`: the line as a whole.
  public var column: Int?
  /// What is wrong there.
  public var what: String

  /// Something wrong in `line`.
  public init(line: Int, column: Int? = nil, what: String) {
    self.line = line
    self.column = column
    self.what = what
  }
}

extension ImportError: CustomStringConvertible {
  /// The place and what is wrong there; nothing was read then.
  public var description: String { "line \(line)\(column.map { ", column \($0)" } ?? ""): \(what)" }
}
