internal import Netlink
internal import Support

/// What stands beside the tables of one held fault: devices that packets are steered into, and delay lines.
struct Beside: Sendable {
  fileprivate(set) var scaffolds: [Scaffold] = []
  fileprivate(set) var lines: [Fault.Direction: DelayLine] = [:]
  /// The promise that the devices will be removed whatever happens to us.
  fileprivate(set) var ticket: UndoTicket?
  /// What the rules need to know of it.
  fileprivate(set) var bindings = CompiledFault.Bindings()
}

/// Makes, watches and takes away what stands beside the tables. Used on the holder's thread alone.
struct Workshop: Sendable {
  let node: String
  let links: LinkController
  let traffic: TrafficController
  let undo: (any UndoKeeper)?
  let timebase: Timebase

  /// Makes all of it: devices promised to the undo journal first, then lines.
  ///
  /// - Parameter until: when the kernel would end the fault by itself, were it armed now.
  /// - Throws: ``FaultError``; what was made is gone then, or the error says what is not.
  func make(_ compiled: CompiledFault, in namespace: NetworkNamespace, until: Int64) throws(FaultError) -> Beside {
    var beside = Beside()
    do {
      try makeScaffolds(compiled, in: namespace, until: until, &beside)
      for request in compiled.lines {
        let line = try DelayLine(
          request.settings, name: "line \(request.direction) \(compiled.fault.id)", timebase: timebase)
        beside.lines[request.direction] = line
        beside.bindings.queues[request.direction] = line.queueNumber
      }
      return beside
    } catch {
      let reason: FaultError.Reason
      switch error {
      case let error as NetlinkError: reason = .kernel(error)
      case let error as UndoError: reason = .cannotPromise(error)
      case let error as FaultError: reason = error.reason
      default: reason = .system("\(error)")
      }
      let left = takeAway(beside)
      throw FaultError(
        reason, fault: compiled.fault.id, node: node,
        state: left.isEmpty ? "nothing was changed" : "left behind without effect: \(left.joined(separator: "; "))")
    }
  }

  private func makeScaffolds(
    _ compiled: CompiledFault, in namespace: NetworkNamespace, until: Int64, _ beside: inout Beside
  ) throws {
    guard !compiled.scaffolds.isEmpty else { return }
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
    beside.ticket = ticket
    for scaffold in scaffolds {
      beside.scaffolds.append(scaffold)
      beside.bindings.devices[scaffold.request.role] = try scaffold.make(links, traffic).index
    }
    undo.made(ticket)
  }

  /// What of it is not as it was made; `nil` if all is.
  func missing(_ beside: Beside) throws(NetlinkError) -> String? {
    for scaffold in beside.scaffolds {
      if let missing = try scaffold.missing(links, traffic) { return missing }
    }
    for (direction, line) in beside.lines {
      if let failure = line.counters.failure { return "the \(direction) delay line: \(failure)" }
    }
    return nil
  }

  /// Tells whoever answers for the devices how long the kernel keeps the fault.
  func prolong(_ beside: Beside, until: Int64) {
    if let ticket = beside.ticket { undo?.prolong(ticket, until: until) }
  }

  /// Closes the lines: what they hold passes. To be done before their rules go, because the kernel drops what queues hold
  /// when a chain is removed.
  func close(_ beside: Beside) {
    for line in beside.lines.values { line.close() }
  }

  /// Removes everything, after the tables. Returns what could not be removed, in words; it has no effect any more.
  func takeAway(_ beside: Beside) -> [String] {
    close(beside)
    var left: [String] = []
    for scaffold in beside.scaffolds.reversed() {
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
    if left.isEmpty, let ticket = beside.ticket { undo?.settled(ticket) }
    return left
  }
}
