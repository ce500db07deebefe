public import PassThrough
internal import Support

/// What happens to some operations on some files of a prepared directory.
public struct FileRule: Sendable, Hashable, Codable {
  /// Which files, by their path below the directory.
  public var paths: PathPattern
  /// Which operations.
  public var operations: Set<FileOperation>
  /// How many of them are hit, 0 < p ≤ 1. The n-th operation that the rule is about is hit or spared by the n-th draw from
  /// the fault's seed, whichever thread it comes from.
  public var probability: Double
  /// What is done to those.
  public var effect: FileEffect

  /// A rule.
  public init(
    paths: PathPattern = .all, operations: Set<FileOperation>, probability: Double = 1, effect: FileEffect
  ) {
    self.paths = paths
    self.operations = operations
    self.probability = probability
    self.effect = effect
  }

  /// What a full disk does: everything that needs room is refused, and what is there can be read and removed.
  public static func diskFull(_ paths: PathPattern = .all) -> FileRule {
    FileRule(paths: paths, operations: FileOperation.needRoom, effect: .fail(.noSpace))
  }
}

/// What is done to an operation.
public enum FileEffect: Sendable, Hashable, Codable {
  /// It is done later.
  case latency(FileLatency)
  /// It is not done, and fails.
  case fail(FileError)
  /// Some of the bytes at the front of a write reach the file, a whole number of sectors, and the rest does not.
  case tornWrite(reports: TornReport)
  /// A sync says that it is done, and was not even begun.
  case unsynced

  /// What the writer of a torn write hears.
  public enum TornReport: String, Sendable, Hashable, Codable {
    /// That all is well, as after a power cut that nobody noticed.
    case success
    /// EIO, as from a device that failed in the middle.
    case inputOutputError
  }

  /// Whether what it does to the files stays when it is over.
  public var leavesDamage: Bool {
    switch self {
    case .tornWrite: true
    case .latency, .fail, .unsynced: false
    }
  }
}

/// How much later.
public struct FileLatency: Sendable, Hashable, Codable {
  /// The mean, microseconds.
  public var delayMicroseconds: Int64
  /// The most that it differs from that, in both directions, evenly spread.
  public var jitterMicroseconds: Int64

  /// `delay` ± `jitter`.
  public init(_ delay: Duration, jitter: Duration = .zero) {
    delayMicroseconds = delay.nanoseconds / 1000
    jitterMicroseconds = jitter.nanoseconds / 1000
  }

  /// The longest that is taken: one minute. A program that waits in a file operation cannot even be killed.
  static let limitMicroseconds: Int64 = 60_000_000
}

extension FileRule {
  /// What is wrong with it, a sentence each; empty for nothing.
  var defects: [String] {
    var defects = [paths.defect].compactMap(\.self)
    if operations.isEmpty { defects.append("a rule about no operation does nothing") }
    if !(probability > 0 && probability <= 1) {
      defects.append("probability \(probability) of a file rule; it is more than 0 and at most 1")
    }
    switch effect {
    case .latency(let latency):
      if latency.delayMicroseconds <= 0 || latency.delayMicroseconds > FileLatency.limitMicroseconds {
        defects.append("a latency of \(latency.delayMicroseconds) µs; it is between 1 µs and 60 s")
      } else if latency.jitterMicroseconds < 0 || latency.jitterMicroseconds > latency.delayMicroseconds {
        defects.append("a jitter of \(latency.jitterMicroseconds) µs; it is at most the latency itself")
      }
    case .fail: break
    case .tornWrite: if operations != [.write] { defects.append("only a write can be torn; the rule names \(names)") }
    case .unsynced:
      if !operations.isSubset(of: [.fsync, .fdatasync]) {
        defects.append("only fsync and fdatasync can be left out and reported done; the rule names \(names)")
      }
    }
    return defects
  }

  private var names: String { operations.map(\.rawValue).sorted().joined(separator: ", ") }
}

extension FileRule: CustomStringConvertible {
  /// `fsync of pg_wal/**: 10 ms ± 2 ms later, 50 % of them`.
  public var description: String {
    let share = probability == 1 ? "" : ", \(fixed(probability * 100, 2)) % of them"
    return "\(names) of \(paths): \(effect)\(share)"
  }
}

extension FileEffect: CustomStringConvertible {
  /// For people.
  public var description: String {
    switch self {
    case .latency(let latency):
      let jitter = Duration.microseconds(latency.jitterMicroseconds)
      return Duration.microseconds(latency.delayMicroseconds).brief
        + (jitter == .zero ? "" : " ± \(jitter.brief)") + " later"
    case .fail(let error): return "fails with \(error.rawValue)"
    case .tornWrite(.success): return "only its first sectors reach the file, and it says that all is well"
    case .tornWrite(.inputOutputError): return "only its first sectors reach the file, and it fails with EIO"
    case .unsynced: return "says that it is done, and nothing is synced"
    }
  }
}
