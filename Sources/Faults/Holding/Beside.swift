internal import Netlink
internal import Support

/// Devices that were made for one fault, and the promise that they will be removed whatever happens to us.
struct MadeScaffolds: Sendable {
  fileprivate(set) var scaffolds: [Scaffold] = []
  fileprivate(set) var ticket: UndoTicket?
  /// Their numbers, for the rules.
  fileprivate(set) var devices: [ScaffoldRequest.Role: Int32] = [:]

  var isEmpty: Bool { scaffolds.isEmpty }
}

/// Makes, looks after and removes devices. The kernel has one lock for all devices of the machine, and who waits for it may
/// wait for seconds; so this is never done on the thread whose heartbeats keep faults alive.
struct Workshop: Sendable {
  let node: String
  let namespace: NetworkNamespace
  let links: LinkController
  let traffic: TrafficController
  let undo: (any UndoKeeper)?

  init(node: String, in namespace: NetworkNamespace, undo: (any UndoKeeper)?) throws(NetlinkError) {
    self.node = node
    self.namespace = namespace
    self.undo = undo
    links = try LinkController(in: namespace)
    traffic = try TrafficController(in: namespace)
  }

  func close() {
    links.close()
    traffic.close()
  }

  /// Makes all devices of a fault, each promised before it is there.
  ///
  /// - Parameter until: when the kernel would end the fault by itself, were it armed now.
  /// - Throws: ``FaultError``; what was made is gone then, or the error says what is not.
  func make(_ compiled: CompiledFault, until: Int64) throws(FaultError) -> MadeScaffolds {
    var made = MadeScaffolds()
    if compiled.scaffolds.isEmpty { return made }
    let reason: FaultError.Reason
    do {
      try make(compiled, until: until, &made)
      return made
    } catch {
      switch error {
      case let error as NetlinkError: reason = .kernel(error)
      case let error as UndoError: reason = .cannotPromise(error)
      case let error as FaultError: reason = error.reason
      default: reason = .system("\(error)")
      }
    }
    throw FaultError(
      reason, fault: compiled.fault.id, node: node, state: Self.state(left: takeAway(made)))
  }

  private func make(_ compiled: CompiledFault, until: Int64, _ made: inout MadeScaffolds) throws {
    let scaffolds = compiled.scaffolds.map { Scaffold($0) }
    guard let undo else {
      throw FaultError(
        .unsupported("it needs a device of its own, and nobody was given who would remove it if this process died"),
        fault: compiled.fault.id, node: node)
    }
    for scaffold in scaffolds {
      let name = scaffold.request.name.interface
      guard try links.link(named: name) == nil else {
        throw NetlinkError(
          .incomplete("there is a device of that name, left behind by another run; blackstart recover removes it"),
          call: "RTM_NEWLINK", object: .link(name))
      }
    }
    let record = UndoRecord(compiled.fault, in: namespace, actions: scaffolds.map(\.undo))
    let ticket = try undo.promise(record, in: namespace, until: until)
    made.ticket = ticket
    for scaffold in scaffolds {
      made.scaffolds.append(scaffold)
      made.devices[scaffold.request.role] = try scaffold.make(links, traffic).index
    }
    undo.made(ticket)
  }

  /// What of them is not as it was made; `nil` if all is.
  func missing(_ made: MadeScaffolds) throws(NetlinkError) -> String? {
    for scaffold in made.scaffolds {
      if let missing = try scaffold.missing(links, traffic) { return missing }
    }
    return nil
  }

  /// Removes them, after the tables. Returns what could not be removed, in words; it has no effect any more.
  func takeAway(_ made: MadeScaffolds) -> [String] {
    var left: [String] = []
    for scaffold in made.scaffolds.reversed() {
      do throws(NetlinkError) {
        let result = try scaffold.remove(links)
        if case .foreign(let what) = result {
          left.append("device \(scaffold.request.name.interface), which somebody else made: \(what)")
        }
      } catch {
        left.append("device \(scaffold.request.name.interface): \(error)")
      }
    }
    // What is left stays promised: the guardian tries again when the fault's time is over.
    if left.isEmpty, let ticket = made.ticket { undo?.settled(ticket) }
    return left
  }

  /// What state things are in after an arming that failed.
  static func state(left: [String]) -> String {
    left.isEmpty ? "nothing was changed" : "left behind without effect: \(left.joined(separator: "; "))"
  }
}

/// Delay lines of one held fault. They are opened and closed on the holder's thread.
struct OpenLines: Sendable {
  private var lines: [Fault.Direction: DelayLine] = [:]

  /// The numbers of their queues, for the rules.
  var queues: [Fault.Direction: UInt16] { lines.mapValues(\.queueNumber) }

  /// Opens all lines of a fault, or none.
  ///
  /// - Throws: ``NetlinkError`` or ``SystemError``.
  init(_ compiled: CompiledFault, timebase: Timebase) throws {
    for request in compiled.lines {
      do {
        lines[request.direction] = try DelayLine(
          request.settings, name: "line \(request.direction) \(compiled.fault.id)", timebase: timebase)
      } catch {
        close()
        throw error
      }
    }
  }

  func counters(_ direction: Fault.Direction) -> DelayLine.Counters? { lines[direction]?.counters }

  /// Why one of them works no more; `nil` while all do.
  var missing: String? {
    for (direction, line) in lines {
      if let failure = line.counters.failure { return "the \(direction) delay line: \(failure)" }
    }
    return nil
  }

  /// Lets pass what they hold. The kernel drops what any queue of a namespace holds when a chain is removed there.
  func releaseHeld() {
    for line in lines.values { line.releaseHeld() }
  }

  /// Ends them: what they hold passes, and what comes later too. To be done before their rules go.
  func close() {
    for line in lines.values { line.close() }
  }
}
