public import Netlink

/// A fault as kernel objects: the one batch that makes it, the one that prolongs it, the one that ends it, and what must
/// stand beside it.
///
/// All rules stand in owner tables, at most one a family of nf_tables. Each chain of a hook begins with a look into the set
/// `alive`: while its two elements live, the fault is in force, and when their time is over it is not. A heartbeat is
/// therefore as cheap for 100,000 peers as for one.
public struct CompiledFault: Sendable, Hashable {
  /// The fault.
  public let fault: Fault
  /// The tables that hold all of it; none if it only kills connections.
  public let tables: [Table]
  /// Devices that packets are steered into. They do nothing by themselves.
  public let scaffolds: [ScaffoldRequest]
  /// Delay lines that packets are handed to.
  public let lines: [DelayLineRequest]
  /// How each part is made, and why.
  public let mechanisms: [MechanismChoice]

  /// A table with its contents.
  public struct Table: Sendable, Hashable {
    /// Its name. Deleting it, or the death of its owner's socket, removes everything in it.
    public var id: NFTables.TableID
    var sets: [ElementSet] = []
    var chains: [Chain] = []
  }

  /// A set with what is in it from the beginning.
  struct ElementSet: Sendable, Hashable {
    enum Life: Sendable, Hashable {
      /// Its elements stay as long as the table.
      case table
      /// Its elements live by heartbeats.
      case heartbeat
      /// Its elements are addresses of names, which may change while the table is there.
      case names(IPAddress.Family)
    }

    var name: String
    var id: UInt32
    var key: NFTables.KeyType
    var isInterval = false
    var life: Life = .table
    var keys: NFTables.Keys
  }

  /// A chain: of a hook, or one that others call.
  struct Chain: Sendable, Hashable {
    struct Base: Sendable, Hashable {
      var hook: NFTables.Hook
      var priority: Int32
    }

    var name: String
    var base: Base?
    var rules: [Rule] = []
  }

  /// One rule, and what its counters count, in order.
  struct Rule: Sendable, Hashable {
    var steps: [Step]
    var counters: [Counter] = []

    init(steps: [Step], counters: [Counter] = []) {
      self.steps = steps
      self.counters = counters
    }

    /// Counts what comes this far, and then does `steps`.
    init(
      counting fate: Counter.Fate, _ direction: Fault.Direction, _ family: IPAddress.Family, then steps: [Step]
    ) {
      self.init(
        steps: [.fixed(.counter)] + steps,
        counters: [Counter(direction: direction, family: family, fate: fate)])
    }
  }

  /// What a counter of a rule counts.
  struct Counter: Sendable, Hashable {
    enum Fate: Sendable, Hashable {
      case drawn, stopped, shaped
    }

    var direction: Fault.Direction
    var family: IPAddress.Family
    var fate: Fate
  }

  /// A step of a rule, of which some need what is known only when the fault is armed.
  enum Step: Sendable, Hashable {
    case fixed(NFTables.Expression)
    /// To the scaffold of that role.
    case forward(ScaffoldRequest.Role)
    /// To the delay line of that direction.
    case queue(Fault.Direction, isTarget: Bool)
    /// Only packets of sockets of whoever is called so on the node. In plans alone: what is armed has its numbers.
    case owned(SocketOwner.Part)
  }

  /// What is known only when the fault is armed.
  struct Bindings: Sendable, Hashable {
    /// Numbers of the scaffolds' devices.
    var devices: [ScaffoldRequest.Role: Int32] = [:]
    /// Numbers of the delay lines' queues.
    var queues: [Fault.Direction: UInt16] = [:]
    /// Addresses of the targets' names.
    var names: Set<IPAddress> = []
  }

  /// How a live element's remaining time is started anew.
  public enum RefreshMethod: String, Sendable, Hashable, Codable {
    /// By its expiration attribute. Kernel 6.12 and later.
    case expiration
    /// By deleting and adding it in one transaction: no packet sees a gap.
    case replacement
  }
}

extension CompiledFault {
  /// The name of the set whose elements are the fault's life.
  static let aliveSet = "alive"

  /// Makes the fault: everything, or nothing. For a fault without scaffolds, lines and names.
  ///
  /// - Parameter lifeMilliseconds: how long it is in force without a refresh.
  public func arm(lifeMilliseconds: UInt64) -> NFTables.Batch {
    arm(lifeMilliseconds: lifeMilliseconds, Bindings())
  }

  /// Makes the fault: everything, or nothing.
  func arm(lifeMilliseconds: UInt64, _ bindings: Bindings) -> NFTables.Batch {
    NFTables.Batch(tables.flatMap { $0.commands(lifeMilliseconds: lifeMilliseconds, bindings) })
  }

  /// Puts the fault in force for `lifeMilliseconds` from now, whether or not it is.
  ///
  /// - Parameter isInForce: whether its life may not be over yet. What is dead cannot be replaced, only added.
  func refresh(lifeMilliseconds: UInt64, _ method: RefreshMethod, isInForce: Bool = true) -> NFTables.Batch {
    NFTables.Batch(
      tables.flatMap { table -> [NFTables.Command] in
        table.sets.filter { $0.life == .heartbeat }.flatMap { set -> [NFTables.Command] in
          let elements = NFTables.Elements(
            set.keys, timeoutMilliseconds: lifeMilliseconds,
            expirationMilliseconds: method == .expiration ? lifeMilliseconds : nil)
          let addition = NFTables.Command.addElements(table.id, set: set.name, id: nil, elements)
          guard method == .replacement, isInForce else { return [addition] }
          return [.deleteElements(table.id, set: set.name, set.keys), addition]
        }
      })
  }

  /// Changes the addresses of the targets' names.
  func update(adding added: [IPAddress], removing removed: [IPAddress]) -> NFTables.Batch {
    NFTables.Batch(
      tables.flatMap { table in
        table.sets.flatMap { set -> [NFTables.Command] in
          guard case .names(let family) = set.life else { return [] }
          let (old, new) = (removed.filter { $0.family == family }, added.filter { $0.family == family })
          return (old.isEmpty ? [] : [.deleteElements(table.id, set: set.name, old)])
            + (new.isEmpty ? [] : [.addElements(table.id, set: set.name, id: nil, .init(new))])
        }
      })
  }

  /// The names of its tables, for people.
  var tableNames: String { tables.map { "\($0.id)" }.joined(separator: ", ") }

  /// Ends the fault.
  public var disarm: NFTables.Batch { NFTables.Batch(tables.map { .deleteTable($0.id) }) }

  /// The life an element gets: the silence it must survive, but never more than what is left of the lease.
  func lifeMilliseconds(leftOfLease: Int64) -> UInt64 {
    UInt64(max(1, min(fault.timing.silenceMilliseconds, leftOfLease)))
  }

  /// The changes that arming makes, one line each, in the words of `nft`.
  var changes: [String] {
    let life = lifeMilliseconds(leftOfLease: fault.timing.leaseMilliseconds)
    return scaffolds.map(\.description) + lines.map(\.description)
      + tables.flatMap { $0.words(lifeMilliseconds: life) }
      + (fault.killsConnections ? ["destroy the established connections with the targets"] : [])
  }
}

extension CompiledFault.Table {
  fileprivate func commands(
    lifeMilliseconds: UInt64, _ bindings: CompiledFault.Bindings
  ) -> [NFTables.Command] {
    frame(lifeMilliseconds: lifeMilliseconds, bindings)
      + chains.flatMap { chain in
        chain.rules.map { .addRule(id, chain: chain.name, $0.steps.flatMap { $0.expressions(bindings) }) }
      }
  }

  fileprivate func words(lifeMilliseconds: UInt64) -> [String] {
    frame(lifeMilliseconds: lifeMilliseconds, CompiledFault.Bindings()).map(\.description)
      + chains.flatMap { chain in
        chain.rules.map { rule in
          "add rule \(id) \(chain.name) \(rule.steps.map { $0.words(in: id) }.joined(separator: " "))"
        }
      }
  }

  /// The table with its chains and sets, without rules.
  private func frame(lifeMilliseconds: UInt64, _ bindings: CompiledFault.Bindings) -> [NFTables.Command] {
    [.addTable(id, flags: .owner)]
      + chains.map { chain in
        chain.base.map { .addChain(id, name: chain.name, hook: $0.hook, priority: $0.priority) }
          ?? .addRegularChain(id, name: chain.name)
      }
      + sets.flatMap { $0.commands(id, lifeMilliseconds: lifeMilliseconds, bindings) }
  }
}

extension CompiledFault.ElementSet {
  fileprivate func commands(
    _ table: NFTables.TableID, lifeMilliseconds: UInt64, _ bindings: CompiledFault.Bindings
  ) -> [NFTables.Command] {
    // Twice the number as size: the kernel then lays out a hash table that need not grow (2.5 times faster at 100,000),
    // and a replacement, which holds old and new elements for a moment, has room.
    let size = isInterval ? nil : UInt32(clamping: max(16, 2 * keys.count))
    var flags: NFTables.SetFlags = isInterval ? .interval : []
    if life == .heartbeat { flags.insert(.timeout) }
    func addition(_ keys: NFTables.Keys, _ milliseconds: UInt64?) -> NFTables.Command {
      .addElements(table, set: name, id: id, .init(keys, timeoutMilliseconds: milliseconds))
    }
    let elements: [NFTables.Command]
    switch life {
    case .table: elements = [addition(keys, nil)]
    case .heartbeat: elements = [addition(keys, lifeMilliseconds)]
    case .names(let family):
      let addresses = bindings.names.filter { $0.family == family }.sorted()
      elements = addresses.isEmpty ? [] : [addition(.addresses(addresses), nil)]
    }
    let isNames = life != .table && life != .heartbeat
    return [.addSet(table, .init(name, id: id, key: key, flags: flags, size: isNames ? nil : size))] + elements
  }
}

extension CompiledFault.Step {
  fileprivate func expressions(_ bindings: CompiledFault.Bindings) -> [NFTables.Expression] {
    switch self {
    case .fixed(let expression): [expression]
    case .forward(let role):
      // Without its device there is no fault; the holder makes all of them first, and 0 is the number of none.
      [.immediate(device: bindings.devices[role] ?? 0), .forward()]
    case .owned(let part): preconditionFailure("armed without having looked up \(part)")
    case .queue(let direction, isTarget: false): [.queue(bindings.queues[direction] ?? 0, bypass: true)]
    case .queue(let direction, isTarget: true): [.compatibleQueue(bindings.queues[direction] ?? 0, bypass: true)]
    }
  }

  fileprivate func words(in table: NFTables.TableID) -> String {
    switch self {
    case .fixed(let expression): "\(expression)"
    case .forward(let role): "fwd to the device for \(role.rawValue)"
    case .owned(let part): part.words
    case .queue(let direction, _): "queue to the \(direction) delay line, bypass"
    }
  }
}
