internal import CKernel
public import Netlink
public import Support
internal import Synchronization

/// Holds the faults of one node: makes them, keeps them alive, watches them, ends them.
///
/// The kernel removes every fault held here when this process dies in any way (the tables belong to a socket of ours),
/// and when this process hangs (every element times out unless a heartbeat prolongs it). Heartbeats run on a thread of
/// their own. A fault that lapsed or was removed by somebody is reported as such and never silently made again.
///
/// Its sockets live on a thread with a descriptor table of its own. The kernel closes the descriptors of one table one
/// after the other and waits for a grace period (8 to 28 ms) after each socket that owned a table: with all of a region's
/// nodes in one table, the last would be released that much later. So each node's socket dies with its own thread, all at
/// once; and no program started by this process can ever inherit one.
public final class FaultHolder: Sendable {
  /// The node.
  public let node: String
  let thread: HolderThread<HolderCore>
  /// Hands over events and results: the holder's own thread could not, having no descriptors, and any thread that was
  /// started from it would have none either.
  private let messenger: HolderThread<Void>
  /// Does what takes long, so that no heartbeat waits for it.
  private let scout: HolderThread<Scout>
  private let resolver: NameResolver
  private let timebase: Timebase
  private let features: Mutex<KernelFeatures?>

  /// Opens the node's kernel and finds out how elements are kept alive there.
  ///
  /// - Parameters:
  ///   - node: its name, for reports.
  ///   - namespace: its network namespace.
  ///   - timebase: the clock of all time stamps.
  ///   - undo: who answers for what outlives this process; `nil` refuses faults that need it.
  ///   - features: what the kernel can do, if that is known; it is found out when a fault needs it.
  ///   - report: called with every event, in order, on a thread where it may block. All events of a request have been
  ///     reported when the request returns.
  /// - Throws: ``NetlinkError`` with EPERM without CAP_NET_ADMIN.
  public convenience init(
    node: String, namespace: NetworkNamespace, timebase: Timebase = .system, undo: (any UndoKeeper)? = nil,
    features: KernelFeatures? = nil, report: @escaping @Sendable (FaultEvent) -> Void
  ) throws {
    try self.init(
      node: node, namespace: namespace, timebase: timebase, undo: undo, features: features, refresh: nil,
      report: report)
  }

  /// As above, but with a given way to keep elements alive instead of the one that the kernel is found to have.
  init(
    node: String, namespace: NetworkNamespace, timebase: Timebase = .system, undo: (any UndoKeeper)? = nil,
    features: KernelFeatures? = nil, refresh: CompiledFault.RefreshMethod?,
    names: NameResolver.Options = .init(),
    report: @escaping @Sendable (FaultEvent) -> Void
  ) throws {
    self.node = node
    self.timebase = timebase
    self.features = Mutex(features)
    let messenger = try HolderThread<Void>("tell \(node)", timebase: timebase, make: {})
    self.messenger = messenger
    let scoutOfThread = WeakReference<HolderThread<Scout>>()
    let thread = try HolderThread(
      "hold \(node)", timebase: timebase,
      // After the events of the same job, which were posted before.
      deliver: { result in messenger.post { result() } },
      // Unowned: the last reference must not be given up on this thread, where the namespace's descriptor means nothing.
      make: { [unowned namespace] in
        try namespace.enter()
        guard bs_own_descriptor_table() == 0 else { throw SystemError("close_range", "hold \(node)") }
        return try HolderCore(
          node: node, namespace: namespace, timebase: timebase, refresh: refresh, undo: undo,
          removeScaffolds: { fault, made in scoutOfThread.object?.post { $0.finish(fault, made) } },
          report: { event in messenger.post { report(event) } })
      },
      tick: { $0.tick() },
      end: { $0.close() })
    self.thread = thread
    let resolver = try NameResolver(in: namespace, options: names, timebase: timebase)
    self.resolver = resolver
    scout = try HolderThread(
      "scout \(node)", timebase: timebase,
      make: {
        let watch = NameWatch(timebase: timebase) { watched, done in
          resolver.resolve(watched.name) { answer in
            done(answer)
            thread.post { $0.take(answer, about: watched.name, for: watched.fault) }
          }
        }
        return Scout(
          workshop: try Workshop(node: node, in: namespace, undo: undo), names: watch, timebase: timebase,
          tell: { fault, sight in thread.post { $0.take(sight, of: fault) } })
      },
      tick: { $0.tick() }, end: { $0.close() })
    scoutOfThread.object = scout
  }

  /// Makes a fault: all of it in one transaction, or nothing.
  ///
  /// - Throws: ``FaultError``; nothing was changed then.
  public func arm(_ asked: Fault) async throws -> ArmReceipt {
    try asked.validate()
    let (fault, owners) = try await lookingUpOwner(asked)
    let features = fault.needsFeatures ? try await kernelFeatures() : NodeProfile.unknown.features
    let devices = fault.usesDevices ? try await scout.run { try $0.devices() } : []
    let names = try await resolve(fault)
    var order = ArmOrder(
      compiled: try fault.compile(for: NodeProfile(features, devices: devices)),
      names: HeldNames(names, exempt: fault.targets.exempt), scaffolds: MadeScaffolds())
    if fault.killsConnections, let group = fault.targets.cgroup {
      order.controlGroups = try await scout.run { _ in try group.idsWithin() }
    }
    var receipt = try await arm(&order)
    receipt.names = names
    receipt.owners = owners
    let made = order.scaffolds
    if !made.isEmpty || !names.isEmpty { scout.post { $0.watch(fault, made, names) } }
    return receipt
  }

  /// The fault with the numbers of its sockets' owner, and what was found, in words.
  private func lookingUpOwner(_ fault: Fault) async throws -> (Fault, [String]) {
    guard fault.targets.owner != nil else { return (fault, []) }
    do {
      let (targets, found) = try await scout.run { _ in try fault.targets.lookingUpOwner() }
      var fault = fault
      fault.targets = targets
      return (fault, found)
    } catch let error as SystemError {
      throw FaultError(.invalid("whose packets are meant is not known here: \(error)"), fault: fault.id, node: node)
    }
  }

  /// Makes the devices, if there are any, and then everything else; or nothing.
  private func arm(_ order: inout ArmOrder) async throws -> ArmReceipt {
    let compiled = order.compiled
    if !compiled.scaffolds.isEmpty {
      try await thread.run { try $0.check(compiled.fault) }
      // Until the fault is in force, nothing but this keeps its devices; making them may wait for all others who do so.
      let until = timebase.monotonic() + compiled.fault.timing.silenceMilliseconds * 1_000_000 + 30_000_000_000
      order.scaffolds = try await scout.run { try $0.workshop.make(compiled, until: until) }
    }
    do {
      return try await thread.run { [order] in try $0.arm(order) }
    } catch var failure as FaultError {
      let made = order.scaffolds
      let left = try await scout.run { $0.workshop.takeAway(made) }
      if !left.isEmpty { failure.state += "; " + Workshop.state(left: left) }
      throw failure
    }
  }

  /// Resolves the targets' names, in the node.
  ///
  /// - Throws: ``FaultError`` if one of them has no answer; that there is no such host is an answer.
  private func resolve(_ fault: Fault) async throws -> [ResolvedName] {
    var names: [ResolvedName] = []
    for name in fault.targets.names {
      do { names.append(try await resolver.resolve(name)) } catch ResolverError.unknown(let name) {
        names.append(ResolvedName(name, [], timesToLive: []))
      } catch {
        throw FaultError(.system("\(error)"), fault: fault.id, node: node)
      }
    }
    if !names.isEmpty, names.allSatisfy(\.addresses.isEmpty), fault.targets.peers.isEmpty,
      fault.targets.networks.isEmpty
    {
      throw FaultError(
        .invalid("none of its names has an address, and nothing else is meant, so it would do nothing"),
        fault: fault.id, node: node)
    }
    return names
  }

  /// What the node can do, and which devices it has.
  public func profile() async throws -> NodeProfile {
    let features = try await kernelFeatures()
    return NodeProfile(features, devices: try await scout.run { try $0.devices() })
  }

  /// Asks the kernel once; two that ask at a time may both ask it.
  private func kernelFeatures() async throws -> KernelFeatures {
    if let known = features.withLock({ $0 }) { return known }
    let found = try await scout.run { _ in try KernelFeatures.probe() }
    features.withLock { $0 = found }
    return found
  }

  /// What a held fault has dropped until now.
  public func counters(of id: String) async throws -> FaultCounters {
    try await thread.run { try $0.counters(of: id) }
  }

  /// Ends a fault and verifies that it is gone. Asking again gives the same answer.
  ///
  /// - Returns: how it ended, which may have been before it was asked to.
  /// - Throws: ``FaultError`` with what remains and until when.
  public func disarm(_ id: String) async throws -> FaultOutcome {
    scout.post { $0.names.forget(id) }
    while true {
      if let outcome = try await thread.run({ try $0.disarm(id) }) { return outcome }
      // Its devices are being removed by a job that was posted before this one.
      try await scout.run { _ in }
    }
  }

  /// The packet filter, links, addresses, routes and queues of the node as they are now.
  public func snapshot() async throws -> NodeSnapshot {
    let rules = try await thread.run { try $0.connection.ruleset() }
    return try await scout.run { try $0.snapshot(rules) }
  }

  /// Ends all faults by closing the socket that owns them. Nothing can be held or asked here
  /// afterwards.
  public func close() async {
    // None of the jobs can throw; only a thread that is gone could, and both live as long as this object.
    _ = try? await thread.run { $0.close() }
    // The removal of their devices was posted meanwhile, and each tells the holder when it is done.
    _ = try? await scout.run { $0.close() }
    _ = try? await thread.run { _ in }
  }
}

/// Reaches an object without keeping it.
private final class WeakReference<Object: AnyObject & Sendable>: Sendable {
  private struct Box: Sendable {
    weak var object: Object?
  }

  private let box = Mutex(Box())

  var object: Object? {
    get { box.withLock { $0.object } }
    set { box.withLock { $0.object = newValue } }
  }
}
