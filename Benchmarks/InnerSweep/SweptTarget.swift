internal import Faults
internal import Glibc
internal import Support
internal import Synchronization

/// A program that a fault is made in, in control groups of its own, and a file system of its own; looked at without the code of
/// whoever makes the fault.
final class SweptTarget: Sendable {
  private let kind: SweptInner
  private let name: String
  private let program: String
  private let workspace: String
  /// Where faults of disks are made.
  let directory: String
  /// Its control groups: where its processor and its disk are limited, and where it is frozen.
  private let groups: Groups
  /// For a skew: what the program is told, and its vDSO.
  private let clock: SweptClock?
  /// For the clock of a node.
  private let nodeClock: SweptNodeClock?
  private let state: Mutex<State>

  private struct Groups: Sendable {
    var processor: Group?
    var memory: Group?
    var freezer: Group?
    var disk: Group?

    var every: [Group] { [processor, memory, freezer, disk].compactMap(\.self) }
    var all: [String] { Array(Set(every.map(\.directory))).sorted() }
  }

  /// A group that a value of is watched.
  private struct Group: Sendable {
    var directory: String
    var file: String
    /// What stands in the file when nothing is done; only its first line counts.
    var neutral: String
  }

  private struct State {
    var process: ChildProcess
    var started: Int64
    /// How many of them were ended by somebody.
    var ended = 0
  }

  /// Starts it.
  ///
  /// - Parameter workspace: a directory of its own.
  init(_ kind: SweptInner, number: Int, workspace: String) async throws {
    self.kind = kind
    self.workspace = workspace
    // A command's name has 15 letters.
    name = "bss\(getpid())x\(number)"
    program = "\(workspace)/\(name)"
    directory = "\(workspace)/place"
    try makeDirectory(directory)
    let group = "bs-sweep-\(getpid())-\(number)"
    groups = Groups(
      processor: Self.makeGroup(group, [("cpu", "cpu.cfs_quota_us", "-1"), ("", "cpu.max", "max 100000")]),
      memory: Self.makeGroup(group, [("unified", "memory.high", "max"), ("", "memory.high", "max")]),
      freezer: Self.makeGroup(group, [("unified", "cgroup.freeze", "0"), ("", "cgroup.freeze", "0")]),
      disk: Self.makeGroup(group, [("blkio", "blkio.throttle.write_iops_device", ""), ("", "io.max", "")]))
    let script = kind == .terminate ? "trap '' TERM; while :; do :; done" : "while :; do :; done"
    try writeFile("\(workspace)/script", Array(script.utf8))
    try await Self.shell("cp /bin/sh \(program)")
    if let mount = kind.mount(of: directory, image: "\(workspace)/image") { try await Self.shell(mount) }
    if kind == .files || kind == .content { try writeFile("\(directory)/f", [1]) }
    let process: ChildProcess
    if kind.isSkew {
      process = try await SweptClock.start(in: workspace)
      clock = try SweptClock(in: workspace, pid: process.identity.pid)
    } else {
      process = try Self.start(program, workspace, groups.all)
      clock = nil
    }
    nodeClock = kind == .nodeClock ? SweptNodeClock() : nil
    state = Mutex(State(process: process, started: Timebase.system.monotonic()))
  }

  private static func start(_ program: String, _ workspace: String, _ groups: [String]) throws -> ChildProcess {
    var request = ProcessRequest(program, ["\(workspace)/script"])
    request.controlGroups = groups
    return try ChildProcess(request)
  }

  /// What a fault is made in.
  var subject: SweptSubject {
    SweptSubject(process: state.withLock { $0.process.identity }, name: name, directory: directory)
  }

  /// Ends it and removes its groups and its mount.
  func close() async throws {
    try await state.withLock { $0.process }.terminate(Signal.kill)
    for group in groups.all where rmdir(group) != 0 { throw SystemError("rmdir", group) }
    if kind.mount(of: directory, image: "") != nil { try await Self.shell("umount -l \(directory)") }
    try removeTree(workspace)
  }

  /// Whether this machine can have such a fault in it.
  var canHaveIt: Bool {
    switch kind {
    case .pauseByTrace, .pauseBySignal, .slowCalls, .kill, .terminate, .restartLoop: true
    case .pauseByFreezer: groups.freezer != nil
    case .throttle: groups.processor != nil
    case .squeeze: groups.memory != nil
    case .diskLimit: groups.disk != nil
    case .files: fileExists("/dev/fuse")
    case .content: InnerProfile().has(.preContentEvents)
    case .freeze, .filler, .skew, .drift: true
    case .nodeClock: SweptNodeClock.isAllowed
    }
  }

  /// Whether the program is told a wrong time now.
  func isToldWrong() throws -> Bool { try clock?.isWrong() ?? false }

  /// Whether it is as it was: neither stopped, nor traced, frozen or limited; its disk neither either.
  func isFree() throws -> Bool { try remains() == "nothing" }

  /// What is done to it, in words.
  ///
  /// - Parameter isWatched: whether somebody may just be making the fault, so that nothing may be tried out that he would meet.
  func remains(isWatched: Bool = false) throws -> String {
    var found: [String] = []
    switch kind {
    case .kill, .terminate, .restartLoop: found = try ended()
    case .files: found = files()
    case .content: found = late()
    case .freeze: found = isWatched ? [] : try frozen()
    case .skew, .drift: found = try clock?.remains() ?? []
    case .nodeClock: found = nodeClock?.wrong().map { [$0] } ?? []
    case .filler: found = try listDirectory(directory).filter { $0.hasPrefix(".blackstart") }
    case .pauseByTrace, .pauseBySignal, .pauseByFreezer, .throttle, .squeeze, .slowCalls, .diskLimit:
      found = try held()
    }
    return found.isEmpty ? "nothing" : found.joined(separator: ", ")
  }

  /// What is left when all is over: as before, and no mount of ours.
  func left() throws -> String {
    let mounts = try MountedPlace.all(below: directory)
    return mounts.isEmpty ? try remains() : "mount \(mounts[0].source)"
  }

  // MARK: By kind

  /// A process that was ended gets a successor, which must live.
  private func ended() throws -> [String] {
    try state.withLock { state in
      if state.process.end != nil {
        state.ended += 1
        state.process = try Self.start(program, workspace, groups.all)
        state.started = Timebase.system.monotonic()
        return ["ended"]
      }
      let age = Timebase.system.monotonic() - state.started
      return state.ended > 0 && age < 200_000_000 ? ["just started"] : []
    }
  }

  private func files() -> [String] {
    let descriptor = open("\(directory)/f", O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return [String(cString: strerror(errno))] }
    Glibc.close(descriptor)
    return []
  }

  /// Whether the use of a file that is opened now is late.
  private func late() -> [String] {
    let begun = Timebase.system.monotonic()
    let found = files()
    if !found.isEmpty { return found }
    _ = try? readFile("\(directory)/f")  // it was there a moment ago
    return Timebase.system.monotonic() - begun > 400_000_000 ? ["late"] : []
  }

  /// A file system that can be frozen was not.
  private func frozen() throws -> [String] {
    let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw SystemError("open", directory) }
    defer { Glibc.close(descriptor) }
    // FIFREEZE and FITHAW of linux/fs.h
    if ioctl(descriptor, 0xc004_5877, 0) != 0 {
      guard errno == EBUSY else { throw SystemError("FIFREEZE", directory) }
      return ["frozen"]
    }
    if ioctl(descriptor, 0xc004_5878, 0) != 0, errno != EINVAL { throw SystemError("FITHAW", directory) }
    return []
  }

  private func held() throws -> [String] {
    let pid = state.withLock { $0.process.identity.pid }
    let status = String(decoding: try readFile("/proc/\(pid)/status", limit: 1 << 16), as: UTF8.self)
    func field(_ name: String) -> String {
      status.split(separator: "\n").first { $0.hasPrefix("\(name):") }
        .map { $0.dropFirst(name.count + 1).drop { $0 == "\t" || $0 == " " } }.map(String.init) ?? ""
    }
    var found: [String] = []
    if field("State").hasPrefix("T") || field("State").hasPrefix("t") { found.append("state \(field("State"))") }
    if field("TracerPid") != "0" { found.append("traced by \(field("TracerPid"))") }
    for group in groups.every {
      let value = try Self.line("\(group.directory)/\(group.file)")
      if value != group.neutral { found.append("\(group.file) \(value)") }
    }
    return found
  }

  // MARK: Groups

  /// In the first hierarchy that has such groups.
  private static func makeGroup(
    _ name: String, _ places: [(hierarchy: String, file: String, neutral: String)]
  ) -> Group? {
    for place in places {
      let group = "/sys/fs/cgroup\(place.hierarchy.isEmpty ? "" : "/\(place.hierarchy)")/\(name)"
      let isNew = mkdir(group, 0o755) == 0
      // A place without such groups is no hierarchy of that kind; the next is tried.
      guard isNew || errno == EEXIST else { continue }
      if fileExists("\(group)/\(place.file)"), fileExists("\(group)/cgroup.procs") {
        return Group(directory: group, file: place.file, neutral: place.neutral)
      }
      if isNew { rmdir(group) }
    }
    return nil
  }

  private static func line(_ file: String) throws -> String {
    String(decoding: try readFile(file, limit: 4096).prefix { $0 != 10 }, as: UTF8.self)
  }

  private static func shell(_ script: String) async throws {
    let end = try await ChildProcess(ProcessRequest("/bin/sh", ["-ec", script])).wait()
    guard end == .exited(0) else {
      throw Problem(.fail, "this machine does not do: \(script)", fix: "leave that kind out")
    }
  }
}

extension SweptInner {
  /// What gives the directory a file system of its own, where the fault is about one.
  fileprivate func mount(of directory: String, image: String) -> String? {
    switch self {
    case .freeze, .diskLimit:
      """
      truncate -s 24M \(image); /usr/sbin/mkfs.ext4 -q -m 0 -O ^has_journal \(image); mount -o loop \(image) \(directory)
      """
    case .filler: "mount -t tmpfs -o size=8m sweep \(directory)"
    case .pauseByTrace, .pauseBySignal, .pauseByFreezer, .kill, .terminate, .restartLoop, .throttle, .squeeze,
      .slowCalls, .skew, .drift, .nodeClock,
      .files, .content:
      nil
    }
  }
}
