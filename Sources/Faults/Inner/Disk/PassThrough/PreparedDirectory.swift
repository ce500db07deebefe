internal import Glibc
public import Support
internal import Synchronization

/// A directory whose every operation passes a process of ours, which can disturb it: mounted over itself before the first
/// program opens a file in it, so that no path changes and nothing has to be opened anew.
///
/// Until a fault is armed, and again when its lease has ended, it is a plain pass-through. All calls block for some
/// milliseconds.
public final class PreparedDirectory: Sendable {
  /// Where: absolute, without links.
  public let path: String
  let place: MountedPlace
  private let process: ChildProcess
  /// One question at a time.
  private let channel: Mutex<GuardianChannel>
  private let undo: (any UndoKeeper)?
  private let ticket: UndoTicket?

  /// What it serves besides the usual.
  public struct Options: Sendable, Hashable {
    /// Extended attributes. The kernel then asks for one before each write, which costs one more pass.
    public var keepsExtendedAttributes = false

    /// Without anything of it.
    public init() {}
  }

  /// How long an answer is waited for: starting a program on a busy machine takes its time.
  private static let startMilliseconds: Int32 = 10_000
  private static let answerMilliseconds: Int32 = 5_000

  /// Mounts it.
  ///
  /// - Parameters:
  ///   - directory: an existing directory in which nobody has a file open.
  ///   - id: its name in the run, which its name in the table of mounts is made from.
  ///   - node: the node whose directory it is.
  ///   - program: absolute path of an executable that has the command `pass-through`.
  ///   - undo: who unmounts it when this process is gone and its pass-through too; `nil` leaves that to the pass-through,
  ///     which does it unless it was killed.
  /// - Throws: `Problem` (faultNotApplied); nothing is mounted then.
  public init(
    _ directory: String, id: String, run: String, node: String, program: String, options: Options = Options(),
    undo: (any UndoKeeper)? = nil
  ) throws {
    let path = try Self.examined(directory)
    let place = MountedPlace(path: path, source: Self.source(run: run, id: id))
    self.path = path
    self.place = place
    self.undo = undo
    // As long as this process lives, it is to stay.
    ticket = try undo?.promise(
      UndoRecord(preparation: id, run: run, node: node, actions: [.disk(.unmount(place))]), in: nil, until: .max / 2)
    do {
      let (process, channel) = try Self.start(place, program: program, options)
      self.process = process
      self.channel = Mutex(channel)
    } catch {
      // Its process, hearing nothing of us any more, unmounts what it may still mount.
      if let ticket, (try? place.isThere()) == false { undo?.settled(ticket) }
      throw error
    }
    // Through the kernel, to the process and back.
    _ = try readBack()
    if let ticket { undo?.made(ticket) }
  }

  /// Starts the process and waits until it has mounted the directory.
  private static func start(
    _ place: MountedPlace, program: String, _ options: Options
  ) throws -> (ChildProcess, GuardianChannel) {
    let (own, other) = try GuardianChannel.pair()
    var request = ProcessRequest(
      program,
      ["pass-through", place.path, place.source] + (options.keepsExtendedAttributes ? ["--extended-attributes"] : []))
    request.directory = "/"
    request.standardInput = other.descriptor
    let process = try withExtendedLifetime(consume other) { try ChildProcess(request) }
    do {
      switch own.receive(PassThroughReply.self, milliseconds: startMilliseconds) {
      case .message(.ready): break
      case .message(.failed(let why)): throw problem(place.path, "it could not be prepared: \(why)")
      case .message, .unreadable, .nothing, .closed:
        throw problem(place.path, "its pass-through (\(program)) ended or said nothing when it was started")
      }
      guard try place.isThere() else {
        throw problem(place.path, "its pass-through says that it is mounted, and it is not")
      }
    } catch {
      own.hangUp()
      throw error
    }
    return (process, own)
  }

  /// The name of the mount of a directory of a run.
  static func source(run: String, id: String) -> String {
    "blackstart-\(sha256(Array("\(run)/\(id)".utf8)).prefix(16))"
  }

  /// What answers all operations.
  public var server: ProcessIdentity { process.identity }

  // MARK: Faults

  /// Puts rules in force, in place of those before, and reads back that they are.
  func arm(_ fault: String, _ rules: [FileRule], seed: UInt64, until: Int64) throws {
    guard case .armed = try ask(.arm(fault: fault, rules: rules, seed: seed, until: until)) else {
      throw Self.problem(path, "its pass-through did not take the rules")
    }
    let state = try readBack()
    guard state.fault == fault, state.isInForce else {
      throw Self.problem(path, "the mount shows \(state.fault.map { "fault \"\($0)\"" } ?? "no fault") after arming")
    }
  }

  /// Moves the end of the lease.
  ///
  /// - Returns: whether the fault was still in force.
  func prolong(until: Int64) throws -> Bool {
    guard case .prolonged(let isInForce) = try ask(.prolong(until: until)) else {
      throw Self.problem(path, "its pass-through does not answer a heartbeat")
    }
    return isInForce
  }

  /// Makes it plain again, and reads back that it is.
  ///
  /// - Returns: what it had been until then.
  func disarm() throws -> PassThroughState {
    guard case .disarmed(let last) = try ask(.disarm) else {
      throw Self.problem(path, "its pass-through did not end the fault")
    }
    let state = try readBack()
    guard state.fault == nil else { throw Self.problem(path, "the mount still shows fault \"\(state.fault ?? "")\"") }
    return last
  }

  /// How it stands, by the control connection, which answers also while operations wait.
  public func state() throws -> PassThroughState {
    guard case .state(let state) = try ask(.state) else {
      throw Self.problem(path, "its pass-through does not say how it stands")
    }
    return state
  }

  /// How it stands, by what the mount itself shows.
  func readBack() throws -> PassThroughState {
    try decodeJSON(PassThroughState.self, from: readFile("\(path)/.blackstart-state", limit: 1 << 20))
  }

  /// What is wrong with it; `nil` if it serves.
  public func defect() -> String? {
    if let end = process.end { return "its pass-through \(end): open files in it are broken (ENOTCONN)" }
    do {
      if try !place.isThere() { return "it is no longer mounted" }
    } catch {
      return "\(error)"
    }
    return nil
  }

  /// Unmounts it and ends its process. What has files open in it must have ended; `lazily` serves those until they do.
  ///
  /// - Throws: `Problem` (recoveryIncomplete) when it is in use; it stays then, as a plain pass-through.
  public func unmount(lazily: Bool = false) throws {
    if process.end != nil {
      // Nobody answers there any more, so waiting for its users is of no use.
      try place.unmount(lazily: true)
      settle()
      return
    }
    _ = try disarm()
    var reply = try ask(.unmount(lazily: lazily))
    // Programs that are just being started have open what whoever starts them has.
    for _ in 0..<40 {
      guard case .busy = reply else { break }
      usleep(25_000)
      reply = try ask(.unmount(lazily: lazily))
    }
    switch reply {
    case .unmounted: break
    case .busy(let why):
      throw Problem(
        .recoveryIncomplete, at: path, "it is still mounted: \(why)", fix: "end what uses it, then unmount it")
    default: throw Self.problem(path, "its pass-through did not unmount")
    }
    settle()
    channel.withLock { $0.hangUp() }
    guard lazily || process.identity.waitUntilGone(limit: .seconds(5)) else {
      throw Problem(
        .recoveryIncomplete, at: path, "it is unmounted, but its process (\(process.identity)) does not end")
    }
  }

  /// Lets go of it, whether it is still mounted or somebody unmounted it already: what is open in it stays good, and its
  /// process ends with the last of that.
  ///
  /// - Throws: `SystemError` or `Problem` when it cannot be unmounted.
  public func release() throws {
    // Hung up first: a process that is about to end answers nothing any more.
    channel.withLock { $0.hangUp() }
    try place.unmount(lazily: true)
    settle()
  }

  private func settle() { if let ticket { undo?.settled(ticket) } }

  private func ask(_ message: PassThroughMessage) throws -> PassThroughReply {
    try channel.withLock { channel in
      guard try channel.send(message) else { throw Self.problem(path, "its pass-through is gone") }
      switch channel.receive(PassThroughReply.self, milliseconds: Self.answerMilliseconds) {
      case .message(let reply): return reply
      case .unreadable(let why): throw Self.problem(path, "the answer of its pass-through cannot be read: \(why)")
      case .nothing: throw Self.problem(path, "its pass-through does not answer within \(Self.answerMilliseconds) ms")
      case .closed: throw Self.problem(path, "its pass-through is gone")
      }
    }
  }

  // MARK: Before

  /// The directory's true path, if it can be prepared.
  private static func examined(_ directory: String) throws -> String {
    guard let path = truePath(directory) else {
      throw problem(directory, "\(SystemError("realpath", directory)); nothing was changed")
    }
    var information = stat()
    guard stat(path, &information) == 0, information.st_mode & S_IFMT == S_IFDIR else {
      throw problem(path, "only a directory can be prepared for disk faults; nothing was changed")
    }
    guard path != "/" else {
      throw problem(path, "the root directory cannot be prepared; nothing was changed", fix: "name the data directory")
    }
    if let mount = try MountTable.now().top(at: path), mount.type == MountedPlace.type {
      throw problem(
        path, "it is prepared already (mount \(mount.id), \(mount.source)); nothing was changed",
        fix: "blackstart recover, if its run is over")
    }
    let users = FileUsers.below(path)
    guard users.isEmpty else {
      throw problem(
        path,
        "it is in use by \(users.joined(separator: ", ")), whose open files would go past it; nothing was changed",
        fix: "prepare the directory before what uses it is started")
    }
    return path
  }

  private static func problem(_ path: String, _ what: String, fix: String? = nil) -> Problem {
    Problem(.faultNotApplied, at: path, what, fix: fix)
  }
}

/// Who has something open below a directory.
enum FileUsers {
  /// At most five of them: `postgres (pid 4711)`.
  static func below(_ directory: String) -> [String] {
    // A process that ends while it is looked at uses nothing.
    let processes = ((try? listDirectory("/proc")) ?? []).filter { Int32($0) != nil }
    return Array(processes.lazy.filter { uses($0, directory) }.map { "\(command($0)) (pid \($0))" }.prefix(5))
  }

  private static func uses(_ process: String, _ directory: String) -> Bool {
    let links = ((try? listDirectory("/proc/\(process)/fd")) ?? []).map { "/proc/\(process)/fd/\($0)" }
    return (["/proc/\(process)/cwd"] + links).contains { link in
      guard let path = linkTarget(link) else { return false }
      return path == directory || path.hasPrefix(directory + "/")
    }
  }

  private static func command(_ process: String) -> String {
    let bytes = (try? readFile("/proc/\(process)/comm", limit: 64)) ?? []
    return String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
  }
}
