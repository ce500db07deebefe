public import PassThrough
internal import Support

/// What happens to the disks that a node's programs write to.
public enum DiskDisturbance: Sendable, Hashable, Codable {
  /// Operations on files below a prepared directory are late, fail, or are done in part.
  case files(DirectoryRules)
  /// Chosen system calls of running processes are late.
  case calls(CallLatency)
  /// Nothing more is written to the file system that this path lies on, until its end; who writes waits.
  case freeze(path: String)
  /// The file system that a directory lies on has no room left.
  case fill(DiskFilling)
  /// The control groups of processes get no more than so much of a disk.
  case limit(DiskLimit)
  /// The use of files is late, for whoever opens them from then on.
  case content(ContentLatency)
}

/// Rules for a prepared directory.
public struct DirectoryRules: Sendable, Hashable, Codable {
  /// The directory, which was prepared before what uses it was started: an absolute path, or the name that its node knows
  /// it by, such as `store`.
  public var directory: String
  /// What happens; all of them are asked about each operation.
  public var rules: [FileRule]
  /// Whether rules are allowed whose damage to the files stays: torn writes.
  public var permitsDamage: Bool

  /// Rules for `directory`.
  public init(_ directory: String, _ rules: [FileRule], permitsDamage: Bool = false) {
    self.directory = directory
    self.rules = rules
    self.permitsDamage = permitsDamage
  }
}

extension DirectoryRules {
  /// Whether it is called by a name, and not by a path.
  var isNamed: Bool {
    !directory.isEmpty && directory.utf8.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == 45 }
  }

  /// For people: `/data`, `the data directory of the store`.
  var place: String { isNamed ? "the data directory of the \(directory)" : directory }
}

/// How system calls of running processes are made late.
public struct CallLatency: Sendable, Hashable, Codable {
  /// Which: some of `fsync`, `fdatasync`, `read` and `write`, of files only; all ways of reading or writing are meant.
  public var calls: Set<FileOperation>
  /// How much later.
  public var latency: FileLatency
  /// How many of them, 0 < p ≤ 1; the n-th is hit or spared by the n-th draw from the fault's seed.
  public var probability: Double

  /// Makes `calls` later.
  public init(_ calls: Set<FileOperation>, _ latency: FileLatency, probability: Double = 1) {
    self.calls = calls
    self.latency = latency
    self.probability = probability
  }

  /// What can be made late so.
  public static let possible: Set<FileOperation> = [.fsync, .fdatasync, .read, .write]

  var rule: FileRule { FileRule(operations: calls, probability: probability, effect: .latency(latency)) }
}

/// How a file system is filled.
public struct DiskFilling: Sendable, Hashable, Codable {
  /// A directory on it, in which one file is made.
  public var directory: String
  /// What stays free.
  public var keepFreeBytes: UInt64
  /// The most that is taken; a file system with more room than that is refused.
  public var atMostBytes: UInt64

  /// Fills the file system of `directory`.
  public init(_ directory: String, keepFreeBytes: UInt64 = 0, atMostBytes: UInt64 = 64 << 30) {
    self.directory = directory
    self.keepFreeBytes = keepFreeBytes
    self.atMostBytes = atMostBytes
  }
}

extension DiskDisturbance {
  /// Whether it is done to processes, which must be chosen then.
  var needsProcesses: Bool {
    switch self {
    case .calls, .limit: true
    case .files, .freeze, .fill, .content: false
    }
  }

  /// What is wrong with it, in words; `nil` if nothing is.
  var mistake: String? {
    switch self {
    case .files(let directory):
      if !directory.isNamed, let why = Self.mistake(inPath: directory.directory) { return why }
      if directory.rules.isEmpty { return "no rule says what happens to the files" }
      if let damage = directory.rules.first(where: { $0.effect.leavesDamage }), !directory.permitsDamage {
        return "'\(damage)' leaves damage that outlives the fault; allow that, for files that may be lost"
      }
      return directory.rules.lazy.flatMap(\.defects).first
    case .calls(let delay):
      if !delay.calls.isSubset(of: CallLatency.possible) {
        return "only fsync, fdatasync, read and write of a running process can be made late"
      }
      return delay.rule.defects.first
    case .freeze(let path): return Self.mistake(inPath: path)
    case .fill(let filling):
      if filling.atMostBytes == 0 { return "filling at most 0 bytes does nothing" }
      return Self.mistake(inPath: filling.directory)
    case .limit(let limit): return limit.mistake
    case .content(let content): return Self.mistake(inPath: content.directory) ?? content.rule.defects.first
    }
  }

  private static func mistake(inPath path: String) -> String? {
    path.hasPrefix("/") ? nil : "path \"\(path)\" is not absolute"
  }
}

extension DiskDisturbance: CustomStringConvertible {
  /// For people: `makes fsync of pg_wal/** 10 ms later, below /data`.
  public var description: String {
    switch self {
    case .files(let directory):
      "disturbs files below \(directory.place): \(directory.rules.map { "\($0)" }.joined(separator: "; "))"
    case .calls(let delay): "delays system calls (\(delay.rule)) of"
    case .freeze(let path): "stops all writing to the file system of \(path)"
    case .fill(let filling): "fills the file system of \(filling.directory)"
    case .content(let content): "makes the use of files below \(content.directory) late (\(content.rule))"
    case .limit(let limit): "limits the use of the disk of \(limit.path) to \(limit) for"
    }
  }
}
