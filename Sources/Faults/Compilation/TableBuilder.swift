internal import Netlink

/// Lays out one table: its sets, each once however many chains look into it, and the rules that choose packets.
struct TableBuilder {
  typealias Rule = CompiledFault.Rule
  typealias Step = CompiledFault.Step

  /// A set that rules look into.
  struct Reference {
    var name: String
    var id: UInt32
  }

  private(set) var table: CompiledFault.Table
  private let targets: Fault.Targets
  private let layer: Place.Layer
  /// The mark that packets of the control group carry where the group itself cannot be seen.
  private let mark: UInt32

  /// - Parameter firstSet: the number of its first set; numbers are unique in a batch.
  init(_ family: NFTables.Family, name: String, _ targets: Fault.Targets, mark: UInt32, firstSet: UInt32) {
    table = CompiledFault.Table(id: NFTables.TableID(family, name))
    layer = family == .inet ? .ip : .device
    self.targets = targets
    self.mark = mark
    nextSet = firstSet
    let families: [NFTables.ProtocolFamily] = [.ipv4, .ipv6]
    switch layer {
    case .ip: alive = add(CompiledFault.aliveSet, .protocolFamily, .protocolFamilies(families), life: .heartbeat)
    case .device: alive = add(CompiledFault.aliveSet, .etherType, .etherTypes(families), life: .heartbeat)
    }
  }

  private(set) var nextSet: UInt32
  private var alive = Reference(name: CompiledFault.aliveSet, id: 0)
  private var references: [String: Reference] = [:]

  // MARK: Chains

  /// Adds a chain of a hook that does something with the packets that are meant.
  mutating func add(
    _ name: String, at place: Place, hook: NFTables.Hook, priority: Int32, by selector: Selector,
    _ action: (inout TableBuilder, IPAddress.Family) -> Rule
  ) {
    let (rules, shared) = choose(name, at: place, by: selector, action)
    table.chains += shared
    table.chains.append(
      CompiledFault.Chain(
        name: name, base: .init(hook: hook, priority: priority), rules: bystanders(place) + [gate(place)] + rules))
  }

  /// Adds a chain on each device; all of them share the rules that choose, so that a packet's number in a pattern does not
  /// depend on its device.
  mutating func add(
    _ name: String, at place: Place, hooks: [NFTables.Hook], priority: Int32, by selector: Selector,
    _ action: (inout TableBuilder, IPAddress.Family) -> Rule
  ) {
    let (rules, shared) = choose(name, at: place, by: selector, action)
    table.chains += shared + [CompiledFault.Chain(name: name, base: nil, rules: rules)]
    let first = bystanders(place) + [gate(place)]
    for (index, hook) in hooks.enumerated() {
      table.chains.append(
        CompiledFault.Chain(
          name: "\(name)_\(index)", base: .init(hook: hook, priority: priority),
          rules: first + [Rule(steps: [.fixed(.verdict(.goto(name)))])]))
    }
  }

  /// Adds a chain that marks what sockets of the control group send.
  mutating func addMarking(_ name: String, hook: NFTables.Hook, priority: Int32) {
    let place = Place(layer: layer, direction: .outbound)
    let bytes = (0..<4).map { UInt8(truncatingIfNeeded: mark >> (8 * $0)) }
    let rule = Rule(steps: isOfGroup + [.fixed(.immediate(bytes)), .fixed(.set(.mark))])
    table.chains.append(
      CompiledFault.Chain(name: name, base: .init(hook: hook, priority: priority), rules: [gate(place), rule]))
  }

  // MARK: Rules

  /// How the control group of a packet's socket is seen.
  enum Selector {
    /// By the socket itself.
    case bySocket
    /// By the mark that another chain gave to the packet.
    case byMark
  }

  /// What is exchanged with nobody who is meant passes first, after one look into each set of peers: that is what the fault
  /// costs everybody else on the node.
  private mutating func bystanders(_ place: Place) -> [Rule] {
    guard targets.limitsPeers else { return [] }
    return targets.families.map { family in
      let isNone = peerSets(family).map { NFTables.Expression.isInSet($0.name, id: $0.id, inverted: true) }
      return pass(place.isFamily(family) + [place.remoteAddress(family)] + isNone)
    }
  }

  /// Everything passes while the fault is not in force.
  private func gate(_ place: Place) -> Rule {
    pass([place.aliveKey, .isInSet(alive.name, id: alive.id, inverted: true)])
  }

  private func pass(_ steps: [NFTables.Expression]) -> Rule {
    Rule(steps: (steps + [.verdict(.accept)]).map { .fixed($0) })
  }

  /// The rules that choose: first what passes in any case, then what is meant. If there is more than one way to be meant,
  /// what is done stands in a chain of its own, so that it is done and counted in one place.
  private mutating func choose(
    _ name: String, at place: Place, by selector: Selector, _ action: (inout TableBuilder, IPAddress.Family) -> Rule
  ) -> (rules: [Rule], shared: [CompiledFault.Chain]) {
    var rules = exemptions(place)
    var shared: [CompiledFault.Chain] = []
    for family in targets.families {
      let conditions = conditions(place, family, selector)
      var rule = action(&self, family)
      if conditions.count == 1 {
        rule.steps = conditions[0] + rule.steps
        rules.append(rule)
      } else {
        let chain = "\(name)_\(family)"
        shared.append(CompiledFault.Chain(name: chain, base: nil, rules: [rule]))
        rules += conditions.map { Rule(steps: $0 + [.fixed(.verdict(.goto(chain)))]) }
      }
    }
    return (rules, shared)
  }

  /// The control channel first, then what the targets except, then what belongs to the link.
  private mutating func exemptions(_ place: Place) -> [Rule] {
    var rules: [Rule] = []
    for (name, addresses, networks) in [
      ("exempt", targets.exempt, []), ("except", targets.except.peers, targets.except.networks),
    ] {
      for family in targets.families {
        for set in sets(name, addresses: addresses, networks: networks, family) {
          rules.append(
            pass(place.isFamily(family) + [place.remoteAddress(family), .isInSet(set.name, id: set.id)]))
        }
      }
    }
    for (name, ranges, port) in [
      ("except_remote_ports", targets.except.remotePorts, place.remotePort),
      ("except_local_ports", targets.except.localPorts, place.localPort),
    ] where !ranges.isEmpty {
      let protocols = protocols(Self.withPorts, "with_ports")
      let ports = portSet(name, ranges)
      rules.append(
        pass([
          .loadTransportProtocol, .isInSet(protocols.name, id: protocols.id), port,
          .isInSet(ports.name, id: ports.id),
        ]))
    }
    if targets.families.contains(.v6), targets.meansICMP {
      rules.append(pass(place.isFamily(.v6) + Self.isNeighbourDiscovery))
    }
    return rules
  }

  /// The ways for a packet of `family` to be meant.
  private mutating func conditions(
    _ place: Place, _ family: IPAddress.Family, _ selector: Selector
  ) -> [[Step]] {
    let ways = narrowing(place, family, selector)
    guard targets.limitsPeers else { return ways.map { fixed(place.isFamily(family)) + $0 } }
    return peerSets(family).flatMap { set in
      let isPeer = fixed(place.isFamily(family) + [place.remoteAddress(family), .isInSet(set.name, id: set.id)])
      return ways.map { isPeer + $0 }
    }
  }

  private func fixed(_ steps: [NFTables.Expression]) -> [Step] { steps.map { .fixed($0) } }

  /// What must be so besides the address, in one way or another.
  private mutating func narrowing(
    _ place: Place, _ family: IPAddress.Family, _ selector: Selector
  ) -> [[Step]] {
    var steps: [NFTables.Expression] = []
    let numbers =
      targets.protocols.isEmpty && targets.hasPorts ? Self.withPorts : targets.protocols.map { $0.number(family) }
    if !numbers.isEmpty {
      let set = protocols(numbers, targets.protocols.contains(.icmp) ? "protocols_\(family)" : "protocols")
      steps += [.loadTransportProtocol, .isInSet(set.name, id: set.id)]
    }
    for (name, ranges, port) in [
      ("remote_ports", targets.remotePorts, place.remotePort), ("local_ports", targets.localPorts, place.localPort),
    ] where !ranges.isEmpty {
      let set = portSet(name, ranges)
      steps += [port, .isInSet(set.name, id: set.id)]
    }
    var ways = [fixed(steps)]
    if !targets.eitherPorts.isEmpty {
      let set = portSet("either_ports", targets.eitherPorts)
      ways = [place.remotePort, place.localPort].map { fixed(steps + [$0, .isInSet(set.name, id: set.id)]) }
    }
    let owner = ownership(selector)
    return ways.map { $0 + owner }
  }

  /// Whose socket it must be.
  private func ownership(_ selector: Selector) -> [Step] {
    var steps: [Step] = []
    if targets.limitsGroup {
      switch selector {
      case .bySocket: steps += isOfGroup
      case .byMark: steps += fixed([.load(.mark), .compare(.equal, host: mark)])
      }
    }
    if let user = targets.user {
      steps += fixed([.load(.socketUser), .compare(.equal, host: user)])
    } else if let user = targets.owner?.user {
      steps.append(.owned(.user(user)))
    }
    return steps
  }

  private var isOfGroup: [Step] {
    if let group = targets.cgroup {
      return fixed([.loadSocketControlGroup(level: group.level), .compare(.equal, host: group.id)])
    }
    return targets.owner?.cgroup.map { [.owned(.cgroup($0))] } ?? []
  }

  /// ICMPv6 types 133 to 137 (RFC 4861), which are to IPv6 what ARP is to IPv4: part of the link and not of what runs over
  /// it. Without them a node that is deaf to a neighbour soon cannot send to it either, and a one-way cut would turn into
  /// a full one.
  private static let isNeighbourDiscovery: [NFTables.Expression] = [
    .loadTransportProtocol, .compare(.equal, [58]), .loadTransportHeader(offset: 0, length: 1),
    .compare(.atLeast, [133]), .compare(.atMost, [137]),
  ]

  /// TCP, UDP, DCCP, SCTP, UDP-Lite.
  private static let withPorts: [UInt8] = [6, 17, 33, 132, 136]

  // MARK: Sets

  /// Who is meant: addresses, networks, and what names stand for.
  private mutating func peerSets(_ family: IPAddress.Family) -> [Reference] {
    var places = sets("peers", addresses: targets.peers, networks: targets.networks, family)
    if !targets.names.isEmpty {
      places.append(add("names_\(family)", .address(family), .addresses([]), life: .names(family)))
    }
    return places
  }

  /// Single addresses in a hash set, networks in a set of ranges, merged where they overlap.
  private mutating func sets(
    _ name: String, addresses: [IPAddress], networks: [IPPrefix], _ family: IPAddress.Family
  ) -> [Reference] {
    var sets: [Reference] = []
    let own = addresses.filter { $0.family == family }
    if !own.isEmpty {
      sets.append(add("\(name)_\(family)", .address(family), .addresses(IPAddress.distinct(own))))
    }
    if networks.contains(where: { $0.address.family == family }) {
      let name = name == "peers" ? "networks_\(family)" : "\(name)_networks_\(family)"
      sets.append(add(name, .address(family), .networks(networks, of: family), isInterval: true))
    }
    return sets
  }

  private mutating func protocols(_ numbers: [UInt8], _ name: String) -> Reference {
    add(name, .transportProtocol, .transportProtocols(Array(Set(numbers)).sorted()))
  }

  private mutating func portSet(_ name: String, _ ranges: [PortRange]) -> Reference {
    add(name, .port, .portRanges(ranges.map { $0.first...$0.last }), isInterval: true)
  }

  /// Adds a set, unless it is there.
  mutating func add(
    _ name: String, _ key: NFTables.KeyType, _ keys: @autoclosure () -> NFTables.Keys, isInterval: Bool = false,
    life: CompiledFault.ElementSet.Life = .table
  ) -> Reference {
    if let known = references[name] { return known }
    let reference = Reference(name: name, id: nextSet)
    nextSet += 1
    references[name] = reference
    table.sets.append(
      CompiledFault.ElementSet(
        name: name, id: reference.id, key: key, isInterval: isInterval, life: life, keys: keys()))
    return reference
  }
}

extension Fault.Targets {
  /// The families that packets of the targets can have.
  var families: [IPAddress.Family] {
    IPAddress.Family.allCases.filter { family in
      !limitsPeers || !names.isEmpty || peers.contains { $0.family == family }
        || networks.contains { $0.address.family == family }
    }
  }

  /// Whether ports are among what is meant.
  var hasPorts: Bool { !(remotePorts.isEmpty && localPorts.isEmpty && eitherPorts.isEmpty) }

  /// Whether only sockets of a control group are meant.
  var limitsGroup: Bool { cgroup != nil || owner?.cgroup != nil }

  /// Whether ICMP is among what is meant.
  var meansICMP: Bool {
    !hasPorts
      && (protocols.isEmpty || protocols.contains { $0.number(.v6) == 58 })
  }
}
