internal import PassThrough
internal import Support

extension DiskDisturbance {
  /// One example of each kind, for `doctor`.
  static let examples: [(String, DiskDisturbance)] = [
    (
      "slow or failing files",
      .files(
        DirectoryRules("/data", [FileRule(operations: [.fsync], effect: .latency(FileLatency(.milliseconds(10))))]))
    ), ("slow system calls", .calls(CallLatency([.fsync], FileLatency(.milliseconds(10))))),
    ("frozen file systems", .freeze(path: "/data")), ("full disks", .fill(DiskFilling("/data"))),
    ("late use of content", .content(ContentLatency("/data", FileLatency(.milliseconds(10))))),
    ("throttled disks", .limit(DiskLimit("/data", writes: 100))),
  ]

  /// The mechanism for it on a node that is there. Looks, and changes nothing.
  func mechanism(_ order: InnerOrder) throws -> any Mechanism {
    let choice = try plan(order.fault, on: InnerProfile()).mechanisms[0]
    switch self {
    case .files(let rules): return try FilesMechanism(order, choice, rules)
    case .calls(let delay): return try CallsMechanism(order, choice, delay)
    case .freeze(let path): return try FreezeMechanism(order, choice, path: path)
    case .fill(let filling): return try FillMechanism(order, choice, filling)
    case .limit(let limit): return try DiskLimitMechanism(order, choice, limit)
    case .content(let content): return try ContentMechanism(order, choice, content)
    }
  }

  /// How it is made on a node with these abilities. Pure.
  ///
  /// - Throws: ``FaultError`` (unsupported) when such a node cannot have it.
  func plan(_ fault: InnerFault, on node: InnerProfile) throws(FaultError) -> InnerFaultPlan {
    func need(_ ability: InnerProfile.Ability, or what: String) throws(FaultError) {
      guard let why = node.whyNot(ability) else { return }
      throw FaultError(.unsupported("\(what): \(why)"), fault: fault.id, node: fault.node)
    }
    switch self {
    case .files(let directory):
      try need(.passThrough, or: "no directory can be prepared")
      return Self.filesPlan(directory)
    case .calls(let delay):
      try need(.tracing, or: "no ptrace")
      return Self.callsPlan(delay, whom: fault.processes.map { "\($0)" } ?? "nothing")
    case .freeze(let path):
      return InnerFaultPlan(
        mechanisms: [
          .init(
            part: "writing", mechanism: .freeze, why: "the kernel itself stops all writing, and nothing is lost",
            accuracy: "at once; who writes waits and cannot even be killed until the end")
        ], changes: ["freeze of the file system of \(path)"], undo: "fsfreeze --unfreeze the mount of \(path)",
        limits: [
          "the root file system, and those that this program needs itself, are refused",
          "what reads goes on, unless reading would have to note a time",
        ])
    case .fill(let filling):
      return InnerFaultPlan(
        mechanisms: [
          .init(
            part: "room", mechanism: .filler, why: "one file of reserved room; no byte is written to the device",
            accuracy: "to 256 KiB; what others give back is taken with the next heartbeat")
        ],
        changes: [
          "one file in \(filling.directory), of at most \(filling.atMostBytes >> 20) MiB; "
            + "\(filling.keepFreeBytes >> 20) MiB stay free"
        ], undo: "remove \(filling.directory)/.blackstart-filler-*",
        limits: [
          "root can still use what the file system keeps for root",
          "the root file system, and those that this program needs itself, are refused",
        ])
    case .content(let content):
      try need(.preContentEvents, or: "nobody asks before files are used")
      return InnerFaultPlan(
        mechanisms: [
          .init(
            part: "content", mechanism: .preContent,
            why: "the kernel asks us, and nothing has to be mounted or started anew",
            accuracy: "a latency is exact to some 0.2 ms; a use that is not delayed takes some 10 µs longer")
        ], changes: ["fanotify marks on \(content.directory) and the directories in it: \(content.rule)"],
        undo: "nothing stays: end the process that holds it",
        limits: [
          "only files that are opened after it is armed, in directories that are there by then",
          "reads and writes alike, and the first use of a mapped page; no sync",
          "while it waits a use cannot be killed; it goes on when the fault ends, or our process",
        ])
    case .limit(let limit):
      if let why = node.whyNot(.ioMax), let more = node.whyNot(.blkioThrottle) {
        throw FaultError(.unsupported("no controller of disks: \(why); \(more)"), fault: fault.id, node: fault.node)
      }
      return Self.limitPlan(
        limit, whom: fault.processes.map { "\($0)" } ?? "nothing", isVersion2: node.has(.ioMax))
    }
  }

  private static func limitPlan(_ limit: DiskLimit, whom: String, isVersion2: Bool) -> InnerFaultPlan {
    let file = isVersion2 ? "io.max" : "blkio.throttle"
    let disk =
      limit.path.hasPrefix("/")
      ? "the disk of \(limit.path)" : "the disk of the \(limit.path)'s data, on a host each that they write to"
    return InnerFaultPlan(
      mechanisms: [
        .init(
          part: "disk", mechanism: .diskLimit, why: "\(file) of the control group that they are alone in",
          accuracy: "a rate and no latency: what is too much waits for the next portion of 100 ms")
      ], changes: ["\(file) of the control group of \(whom), for \(disk): \(limit)"],
      undo: "write the old value back into \(file)",
      limits: [
        "a process that is in the root group, or shares its group with others, is refused",
        "who else syncs files on the same file system may have to wait too, for its journal is one",
        isVersion2
          ? "what is written without a sync is held up when the kernel writes it back, and nobody waits for that"
          : "what is written without a sync is written back by the kernel, which version 1 does not hold up",
      ])
  }

  private static func filesPlan(_ directory: DirectoryRules) -> InnerFaultPlan {
    InnerFaultPlan(
      mechanisms: [
        .init(
          part: "files", mechanism: .passThrough, why: "every operation passes a process of ours, which asks the rules",
          accuracy: "a latency is exact to some 0.1 ms; the same seed hits the same operations by number")
      ],
      changes: [
        "FUSE mount over \(directory.place), from before what uses it is started until it has ended"
      ] + directory.rules.map { "below \(directory.place): \($0)" },
      undo: "nothing stays; umount \(directory.place), when what uses it has ended, for the mount itself",
      limits: [
        "cost, also while no rule is in force: a write of 8 KiB with its sync takes some 70 µs longer, which is twice as long; "
          + "making and removing a file takes nine times as long",
        "what the page cache answers is not asked about; a rule about reading empties it once",
        "if the process behind the mount is killed, open files are broken for good (ENOTCONN)",
      ] + (directory.permitsDamage ? ["torn writes stay torn: the files are to be thrown away"] : []))
  }

  private static func callsPlan(_ delay: CallLatency, whom: String) -> InnerFaultPlan {
    InnerFaultPlan(
      mechanisms: [
        .init(
          part: "system calls", mechanism: .traceCalls, why: "works on running processes, and ends with its tracer",
          accuracy: "a latency is exact to some 0.5 ms; every other system call takes some 50 to 100 µs longer")
      ], changes: ["ptrace stop at every system call of \(whom)"], undo: "nothing stays: end the process that holds it",
      limits: [
        "all of their system calls stop, for a filter (seccomp) cannot be given to a process from outside",
        "what is done through io_uring or a mapping is no system call and is not seen",
        "a process that a debugger holds, or of 32 bits, is refused; no debugger can be attached meanwhile",
      ])
  }
}
