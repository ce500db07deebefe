/// Whoever says what becomes of each operation on a mounted directory. Asked by many threads at once.
public protocol FileGate: AnyObject, Sendable {
  /// Says what is to be done with an operation, after letting it wait for as long as it is to be late.
  ///
  /// - Parameters:
  ///   - bytes: of a write; 0 for all else.
  ///   - paths: below the directory, two for a rename; worked out only when they are asked for.
  func pass(_ operation: FileOperation, bytes: Int, paths: () -> [String]) -> FileOutcome

  /// Whether the kernel may keep what it was told of names and attributes, so that it need not ask again soon.
  var keepsMetadata: Bool { get }

  /// What the file `.blackstart-state` in the root of the mount says at this moment.
  var state: [UInt8] { get }
}

/// What is to be done with an operation.
public enum FileOutcome: Sendable, Hashable {
  /// What it says.
  case perform
  /// Nothing, and this errno is the answer.
  case fail(Int32)
  /// Of a write only the first so many bytes; this errno is the answer, or `nil` that all was written.
  case tear(keep: Int, errno: Int32?)
  /// Nothing, and that it was done is the answer.
  case pretend
}
