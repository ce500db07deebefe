internal import Faults
internal import Glibc
internal import Support

/// One thing that can be measured.
struct Measure: Sendable {
  /// Its name on the command line.
  var name: String
  /// What it measures, in one line.
  var summary: String
  /// Takes it: real work on real kernel objects, and everything removed again.
  var take: @Sendable (Bench) async throws -> [Figure]
}

/// In which surroundings, and how often.
struct Bench: Sendable {
  /// Few samples.
  var isQuick: Bool
  /// How often, where that was said; `nil`: as the measure has it.
  var rounds: Int?
  /// Which part alone, where that was said; `nil`: all.
  var part: String?
  /// Seed of every random choice.
  var seed: UInt64
  /// The `blackstart` executable, if one was named.
  var tool: String?
  /// A directory of this measure's own.
  var workspace: String

  /// Who answers for what a fault leaves outside of what the kernel takes away by itself, as in a drill.
  func keeper() throws -> GuardedUndo {
    try GuardedUndo(
      stateDirectory: "\(workspace)/state", run: "bench\(getpid())", program: try toolPath(tool), report: { _ in })
  }

  /// Lends undo data's keeper to `body` and closes it: its thread must not be at work when the program ends.
  func withKeeper<T>(_ body: (GuardedUndo) async throws -> T) async throws -> T {
    let keeper = try keeper()
    let outcome: Result<T, any Error>
    do { outcome = .success(try await body(keeper)) } catch { outcome = .failure(error) }
    let left = try await onOwnThread("undo") { keeper.close() }
    let value = try outcome.get()
    guard left.isEmpty else { throw Problem(.recoveryIncomplete, left.joined(separator: "; ")) }
    return value
  }

  /// One of two sample sizes.
  func size(quick: Int, full: Int) -> Int { rounds ?? (isQuick ? quick : full) }
}

/// A row of a measure's table.
struct Figure: Sendable {
  /// What was done.
  var what: String
  /// How long it took.
  var samples: Samples
  /// What it is compared with: taken in the same run, turn by turn with it.
  var base: Samples?
  /// What else the reader should know.
  var note = ""
}
