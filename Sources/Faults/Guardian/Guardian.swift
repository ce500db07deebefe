internal import Glibc
internal import Netlink
public import Support

/// The guardian of one agent process: keeps its undo data, and acts on them when the agent is gone or silent.
///
/// It is a process of its own, in a session of its own, that holds nothing but its connection to the agent, its journal
/// and the network namespaces it may have to act in. It executes nothing, and understands nothing but ``UndoAction``.
public enum Guardian {
  /// Makes this process hard to end by accident: signals to end it are ignored, for whoever sends them to a whole session
  /// or service means the agent, after whose end the guardian ends anyway; and the kernel spares it when memory runs out.
  public static func shieldProcess() {
    for number in [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE, SIGUSR1, SIGUSR2] { signal(number, SIG_IGN) }
    let file = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC)
    guard file >= 0 else { return }
    defer { close(file) }
    let least = Array("-1000".utf8)
    _ = write(file, least, least.count)  // refused in a container without the right to it; the guardian does without
  }

  /// Serves until the agent has ended and everything is undone. Blocks: call it on a thread of your own.
  ///
  /// - Parameters:
  ///   - descriptor: the connection to the agent, which is taken over.
  ///   - journal: the file in which it writes down what it does; it must not exist.
  /// - Returns: whether nothing is left; what is left stands in the journals, for `recover`.
  /// - Throws: ``Problem`` (usage) when `descriptor` is no such connection, `SystemError` when there is no journal.
  public static func serve(
    descriptor: Int32, journal: String, timebase: Timebase = .system
  ) throws -> Bool {
    guard GuardianChannel.isConnection(descriptor) else {
      throw Problem(.usage, "a guardian is started by the process that it guards, never by hand; nothing was done")
    }
    var shell = GuardianShell(
      channel: GuardianChannel(descriptor), journal: try JournalFile(creating: journal, timebase: timebase),
      timebase: timebase)
    return shell.serve()
  }
}

extension NodePlace? {
  /// What is wrong with a namespace that was handed over for this place; `nil` if it is the right one.
  fileprivate func problem(with namespace: NetworkNamespace?) -> String? {
    switch (self, namespace) {
    case (nil, nil): nil
    case (let place?, let namespace?):
      place.isSame(as: namespace) ? nil : "the descriptor that came with it is not \(place)"
    case (let place?, nil): "no descriptor came with it for \(place)"
    case (nil, _?): "a descriptor came with it though it is in no namespace"
    }
  }
}

/// Feeds the machine and does what it decides.
private struct GuardianShell: ~Copyable {
  private let channel: GuardianChannel
  private var journal: JournalFile
  private let timebase: Timebase
  private var machine = GuardianMachine()
  private var kept: [UInt64: (record: UndoRecord, namespace: NetworkNamespace?)] = [:]

  init(channel: GuardianChannel, journal: consuming JournalFile, timebase: Timebase) {
    self.channel = channel
    self.journal = journal
    self.timebase = timebase
  }

  mutating func serve() -> Bool {
    tell(.ready)
    var isConnected = true
    while true {
      var events: [GuardianMachine.Event] = []
      if isConnected {
        // All mail before the clock: one who was stopped finds both the deadline and what moved it.
        var wait = waitMilliseconds()
        reading: while true {
          let received = channel.receive(GuardianMessage.self, milliseconds: wait)
          wait = 0
          switch received {
          case .closed:
            isConnected = false
            events.append(.agentGone)
            break reading
          case .message(let message): if let event = take(message) { events.append(event) }
          case .unreadable(let why): tell(.refused(number: 0, why: "unreadable message: \(why)"))
          case .nothing: break reading
          }
        }
      } else if let due = machine.nextDue {
        usleep(UInt32(clamping: max(0, due - timebase.monotonic()) / 1000))
      }
      events.append(.time(timebase.monotonic()))
      while !events.isEmpty {
        for action in machine.handle(events.removeFirst()) {
          switch action {
          case .exit(let isClean): return isClean
          case .undo(let number, let reason): events.append(undo(number, reason))
          }
        }
      }
    }
  }

  private func waitMilliseconds() -> Int32? {
    machine.nextDue.map { Int32(clamping: max(0, $0 - timebase.monotonic() + 999_999) / 1_000_000) }
  }

  private mutating func take(_ message: GuardianMessage) -> GuardianMachine.Event? {
    switch message {
    case .keep(let number, let record, let until, let pid, let descriptor):
      do {
        let namespace = try descriptor.map { try NetworkNamespace.open(pid: pid, descriptor: $0) }
        if let problem = record.place.problem(with: namespace) {
          tell(.refused(number: number, why: problem))
          return nil
        }
        kept[number] = (record, namespace)
        tell(.kept(number: number))
        return .kept(number: number, until: until)
      } catch {
        tell(.refused(number: number, why: "\(error)"))
        return nil
      }
    case .prolong(let number, let until): return .prolonged(number: number, until: until)
    case .settled(let number):
      kept[number] = nil
      return .settled(number: number)
    }
  }

  /// Takes a record back. A journal that cannot be written (a full disk) is no reason not to.
  private mutating func undo(_ number: UInt64, _ reason: GuardianReason) -> GuardianMachine.Event {
    guard let (record, namespace) = kept[number] else { return .undone(number: number) }
    note(.undoing(number: number, reason: reason))
    if reason == .agentGone, let namespace { waitForTables(of: record, in: namespace) }
    do {
      let lines = try record.undo(in: namespace)
      kept[number] = nil
      note(.undone(number: number, lines: lines))
      tell(.undone(number: number, lines: lines))
      return .undone(number: number)
    } catch {
      note(.failed(number: number, why: "\(error)"))
      return .undoFailed(number: number, at: timebase.monotonic())
    }
  }

  /// The kernel removes the tables of a dead agent within milliseconds. While one of them still steers packets into a
  /// device, taking the device away would turn the fault into another one.
  private func waitForTables(of record: UndoRecord, in namespace: NetworkNamespace) {
    let name = "\(Fault.tablePrefix)\(record.run)_\(record.fault)"
    let deadline = timebase.monotonic() + 1_000_000_000
    while timebase.monotonic() < deadline {
      // Without the right to look there is none to remove anything either; the removal will say so.
      guard let tables = try? Fault.tables(in: namespace), tables.contains(where: { $0.id.name == name }) else {
        return
      }
      usleep(2_000)
    }
  }

  private mutating func note(_ entry: UndoEntry) {
    // What was done is also told to the agent, and can be seen in the kernel; recover looks there.
    _ = try? journal.append(entry)
  }

  private func tell(_ reply: GuardianReply) {
    // One that cannot be sent is for an agent that is gone, or stopped; what the guardian does depends on neither.
    _ = try? channel.send(reply)
  }
}
