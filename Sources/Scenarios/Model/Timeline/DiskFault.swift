internal import Support

/// What happens to the disk that a region's programs write to, in a scenario's words.
public struct DiskFault: Sendable, Hashable, Codable {
  /// Where.
  public var region: String
  /// For which processes. What happens to files, happens to those of the store.
  public var processes: ProcessFault.Selection
  /// Whether all that descend from them are meant too.
  public var includesDescendants: Bool
  /// What happens.
  public var effect: Effect
  /// How long after its end a server of the lab that ends by it is started again; `nil` for never. Only for what makes
  /// operations on files fail.
  @DurationText public var restart: Duration?

  /// A disturbed disk from its parts.
  public init(
    region: String, processes: ProcessFault.Selection, includesDescendants: Bool, effect: Effect,
    restart: Duration? = nil
  ) {
    self.region = region
    self.processes = processes
    self.includesDescendants = includesDescendants
    self.effect = effect
    self.restart = restart
  }

  /// What happens to a disk.
  public enum Effect: Sendable, Hashable, Codable {
    /// System calls of running processes are late.
    case calls(LateCalls)
    /// Operations on files of the store are late, fail, or are done in part.
    case files(DisturbedFiles)
    /// The processes get no more than so much of it.
    case limit(LimitedDisk)
  }

  /// Whether a server may end by it, which is then part of the drill.
  public var mayEndServers: Bool {
    guard case .files(let files) = effect else { return false }
    if case .late = files.effect { return false }
    return true
  }
}

/// System calls on files that are late.
public struct LateCalls: Sendable, Hashable, Codable {
  /// Which.
  public var calls: [Call]
  /// How much later.
  @DurationText public var delay: Duration
  /// The most that it differs from that.
  @DurationText public var jitter: Duration
  /// How many of them.
  public var probability: Percentage

  /// Late calls from their parts.
  public init(calls: [Call], delay: Duration, jitter: Duration, probability: Percentage) {
    self.calls = calls
    self.delay = delay
    self.jitter = jitter
    self.probability = probability
  }

  /// A system call on files.
  public enum Call: String, Sendable, Hashable, Codable, CaseIterable {
    /// Data and attributes are made durable.
    case fsync
    /// Data are made durable.
    case fdatasync
    /// Bytes come from a file, by any way of reading.
    case read
    /// Bytes go to a file, by any way of writing.
    case write
  }
}

/// What happens to operations on the files of a store.
public struct DisturbedFiles: Sendable, Hashable, Codable {
  /// Which files: patterns for their paths below the store's data directory.
  public var files: [String]
  /// Which operations on them.
  public var operations: [Operation]
  /// How many of those, drawn from the seed.
  public var probability: Percentage
  /// What happens to them.
  public var effect: Effect

  /// Disturbed files from their parts.
  public init(files: [String], operations: [Operation], probability: Percentage, effect: Effect) {
    self.files = files
    self.operations = operations
    self.probability = probability
    self.effect = effect
  }

  /// What a program asks of a file system.
  public enum Operation: String, Sendable, Hashable, Codable, CaseIterable {
    /// Bytes come from a file, and not from a cache.
    case read
    /// Bytes go to a file.
    case write
    /// A file becomes longer by being written to.
    case extend
    /// Data and attributes are made durable.
    case fsync
    /// Data are made durable.
    case fdatasync
    /// A file or directory is opened.
    case open
    /// A file is made.
    case create
    /// A name is looked up.
    case lookup
    /// Attributes are read.
    case getattr
    /// Attributes are changed.
    case setattr
    /// A length is changed.
    case truncate
    /// Room is reserved.
    case fallocate
    /// A name is changed.
    case rename
    /// A name is removed.
    case unlink
    /// A hard link is made.
    case link
    /// A symbolic link is made.
    case symlink
    /// A directory is made.
    case mkdir
    /// A directory is removed.
    case rmdir
    /// A directory is listed.
    case readdir
    /// Free space is asked for.
    case statfs
    /// Extended attributes are read.
    case getxattr
    /// Extended attributes are changed.
    case setxattr

    /// Those that a full disk refuses.
    public static let needRoom: [Operation] = [.extend, .create, .fallocate, .link, .symlink, .mkdir, .setxattr]
  }

  /// What happens to an operation.
  public enum Effect: Sendable, Hashable, Codable {
    /// It is done so much later, more or less.
    case late(DurationSpread)
    /// It is not done, and fails.
    case fails(Failure)
    /// Of a write only the front reaches the file.
    case torn(Torn)
    /// A sync says that it is done, and nothing is.
    case unsynced
  }

  /// A time, more or less.
  public struct DurationSpread: Sendable, Hashable, Codable {
    /// The mean.
    @DurationText public var delay: Duration
    /// The most that it differs from that.
    @DurationText public var jitter: Duration

    /// `delay` ± `jitter`.
    public init(_ delay: Duration, jitter: Duration = .zero) {
      self.delay = delay
      self.jitter = jitter
    }
  }

  /// How a file system refuses; the names of errno(3).
  public enum Failure: String, Sendable, Hashable, Codable, CaseIterable {
    /// The device failed.
    case inputOutput = "EIO"
    /// The device is full.
    case noSpace = "ENOSPC"
    /// The file system is read-only.
    case readOnly = "EROFS"
    /// The quota is used up.
    case quota = "EDQUOT"
    /// Not permitted.
    case access = "EACCES"
    /// There is no such file.
    case notFound = "ENOENT"
    /// Too many open files.
    case tooManyFiles = "ENFILE"
    /// A network file system's handle is out of date.
    case stale = "ESTALE"
    /// A network file system did not answer.
    case timedOut = "ETIMEDOUT"
  }

  /// What the writer of a torn write hears.
  public enum Torn: String, Sendable, Hashable, Codable, CaseIterable {
    /// That all is well.
    case success
    /// EIO.
    case error = "EIO"
  }
}

/// How much of a disk is left to processes, in each second. What is absent has no limit.
public struct LimitedDisk: Sendable, Hashable, Codable {
  /// Bytes that they read.
  public var readBytes: ByteSize?
  /// Bytes that they write.
  public var writeBytes: ByteSize?
  /// How often they read.
  public var reads: Int64?
  /// How often they write.
  public var writes: Int64?

  /// A limited disk from its parts.
  public init(readBytes: ByteSize?, writeBytes: ByteSize?, reads: Int64?, writes: Int64?) {
    self.readBytes = readBytes
    self.writeBytes = writeBytes
    self.reads = reads
    self.writes = writes
  }
}

extension DiskFault: CustomStringConvertible {
  /// `fsync and fdatasync of the store with all descendants in eu are 20ms late`.
  public var description: String {
    let whole = includesDescendants ? " with all descendants" : ""
    switch effect {
    case .calls(let late):
      let spread = late.jitter == .zero ? "" : " ± \(late.jitter.text)"
      return "\(late.calls.map(\.rawValue).joined(separator: " and ")) of \(processes)\(whole) in \(region) "
        + "are \(late.delay.text)\(spread) late\(share(late.probability))"
    case .files(let files):
      let after = !mayEndServers ? "" : restart.map { "; if it ends by that, started again \($0.text) later" } ?? ""
      return "\(files.operations.map(\.rawValue).joined(separator: " and ")) of \(files.files.joined(separator: ", ")) "
        + "below the data directory of the store in \(region): \(files.effect)\(share(files.probability))\(after)"
    case .limit(let limit): return "\(processes)\(whole) in \(region) get no more of the disk than \(limit)"
    }
  }

  private func share(_ probability: Percentage) -> String {
    probability.fraction == 1 ? "" : ", \(probability) of them"
  }
}

extension DisturbedFiles.Effect: CustomStringConvertible {
  /// In words.
  public var description: String {
    switch self {
    case .late(let time): "\(time.delay.text)\(time.jitter == .zero ? "" : " ± \(time.jitter.text)") late"
    case .fails(let failure): "not done, \(failure.rawValue)"
    case .torn(.success): "only the front is written, and all is said to be"
    case .torn(.error): "only the front is written, EIO"
    case .unsynced: "said to be done, and not done"
    }
  }
}

extension LimitedDisk: CustomStringConvertible {
  /// `1MiB written, 50 writes a second`.
  public var description: String {
    let parts = [
      readBytes.map { "\($0) read" }, writeBytes.map { "\($0) written" }, reads.map { "\($0) reads" },
      writes.map { "\($0) writes" },
    ].compactMap(\.self)
    return parts.joined(separator: ", ") + " a second"
  }
}
