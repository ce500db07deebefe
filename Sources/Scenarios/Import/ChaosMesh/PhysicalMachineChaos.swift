internal import Support

/// `PhysicalMachineChaos`: what chaosd does on machines outside of a cluster.
enum PhysicalMachineChaos {
  enum Action: String, CaseIterable {
    case delay = "network-delay"
    case loss = "network-loss"
    case corrupt = "network-corrupt"
    case duplicate = "network-duplicate"
    case partition = "network-partition"
    case bandwidth = "network-bandwidth"
    case down = "network-down"

    /// The same as an action of `NetworkChaos`.
    var network: NetworkChaos.Action {
      switch self {
      case .delay: .delay
      case .loss: .loss
      case .corrupt: .corrupt
      case .duplicate: .duplicate
      case .partition, .down: .partition
      case .bandwidth: .bandwidth
      }
    }
  }

  /// The actions of chaosd that cannot be expressed.
  static let refusals: [(action: String, why: String)] = [
    (
      "network-dns", "it changes the name server that a machine asks; answers of a region's name servers are fault: dns"
    ),
    ("network-flood", "a flood of packets is load and no fault here"),
    ("disk-fill", "no file is made that fills a disk: IOChaos with errno 28 lets the store see a full one"),
    ("disk-read-payload", "load on a disk is not made"),
    ("disk-write-payload", "load on a disk is not made"),
    ("jvm-exception", "the code of a running JVM is not changed"),
    ("jvm-gc", "the code of a running JVM is not changed"),
    ("jvm-latency", "the code of a running JVM is not changed"),
    ("jvm-return", "the code of a running JVM is not changed"),
    ("jvm-stress", "the code of a running JVM is not changed"),
    ("jvm-rule-data", "the code of a running JVM is not changed"),
    ("jvm-mysql", "the code of a running JVM is not changed"),
    ("kafka-fill", "chaosd edits a broker's settings for it"),
    ("kafka-flood", "load is the workload's part"),
    ("kafka-io", "chaosd takes permissions from files, which an open file does not notice"),
    ("http-abort", "what is inside a connection cannot be changed"),
    ("http-delay", "what is inside a connection cannot be changed"),
    ("http-config", "what is inside a connection cannot be changed"),
    ("http-request", "load is the workload's part"),
    ("file-create", "files are not changed"), ("file-modify", "files are not changed"),
    ("file-delete", "files are not changed"), ("file-rename", "files are not changed"),
    ("file-append", "files are not changed"), ("file-replace", "files are not changed"),
    ("redis-expiration", "no Redis is driven"), ("redis-penetration", "no Redis is driven"),
    ("redis-cacheLimit", "no Redis is driven"), ("redis-restart", "no Redis is driven"),
    ("redis-stop", "no Redis is driven"),
    ("vm", "virtual machines are not driven"),
    ("user_defined", "a command of yours cannot be undone by this tool"),
  ]

  static func read(_ value: Value, name: String, limit: Duration?, in context: ChaosMeshContext) -> ImportedStep? {
    value.fields { fields -> ImportedStep? in
      if let inside = MachineInside(of: fields) {
        let place = readMachines(fields, value, in: context)
        let hold = readHold(fields, value, nil, limit: limit, in: context)
        fields.refuse("remoteCluster", "another cluster cannot be reached from a drill")
        return inside.read(fields, value, place, name: name, hold: hold)
      }
      let action: Action? = fields.required("action") { readAction($0) }
      let place = readMachines(fields, value, in: context)
      let hold = readHold(fields, value, action, limit: limit, in: context)
      fields.refuse("remoteCluster", "another cluster cannot be reached from a drill")
      guard let action else {
        for (name, _) in refusals { fields.pass(name) }
        for action in Action.allCases { fields.pass(action.rawValue) }
        for action in MachineInside.allCases { fields.pass(action.rawValue) }
        return nil
      }
      let attack = fields.required(action.rawValue) { readAttack($0, action, place, in: context) }
      guard place != nil, let hold, let attack else { return nil }
      return step(attack, action, name: name, hold: hold, at: value.node.mark)
    }
  }

  private static func step(
    _ attack: Attack, _ action: Action, name: String, hold: Duration, at mark: Mark
  ) -> ImportedStep {
    let faults = attack.links.map { link in
      ImportedStep.fault(
        ImportedFault(
          name: name, origin: "PhysicalMachineChaos \(name), action \(action.rawValue)", mark: mark,
          keys: NetworkChaos.keys(action.network, link, attack.effect), region: link.region, hold: hold))
    }
    return faults.count == 1 ? faults[0] : .parallel(faults, name: name)
  }

  private static func readAction(_ value: Value) -> Action? {
    guard let name = value.words(expected: "an action") else { return nil }
    if let action = Action(rawValue: name) { return action }
    if let refusal = refusals.first(where: { $0.action == name }) {
      value.mistake("the action \(name) cannot be expressed: \(refusal.why)", fix: "take it out of the file")
      return nil
    }
    let known = Action.allCases.map(\.rawValue) + MachineInside.allCases.map(\.rawValue)
    let near = closest(to: name, among: known).map { "did you mean '\($0)'? " } ?? ""
    value.mistake(
      "\(quoted(name)) is no action of chaosd's that is known here",
      fix: "\(near)known: \(known.joined(separator: ", "))")
    return nil
  }

  /// The machines: by their addresses, or by a selector.
  private static func readMachines(_ fields: Fields, _ owner: Value, in context: ChaosMeshContext) -> ImportMap.Place? {
    guard let addresses = fields.present("address"), !addresses.isEmpty else {
      return Targets.read(fields, owner, in: context)
    }
    fields.pass("mode", "value", "selector")
    let places = addresses.list { address -> ImportMap.Place? in
      guard let text = address.words(expected: "the address of a machine's chaosd") else { return nil }
      let bare =
        text.hasPrefix("http://") ? text.dropFirst(7) : text.hasPrefix("https://") ? text.dropFirst(8) : text[...]
      return context.map.place(ofHost: ExternalTargets.split(String(bare)).host, at: address)
    }
    guard let places else { return nil }
    var regions: [String] = []
    for place in places { regions += place.regions.filter { !regions.contains($0) } }
    let ports = places[0].ports
    func common<T: Equatable>(_ path: KeyPath<ImportMap.Place, T?>) -> T? {
      places.allSatisfy { $0[keyPath: path] == places[0][keyPath: path] } ? places[0][keyPath: path] : nil
    }
    return ImportMap.Place(
      regions: regions, ports: places.allSatisfy { $0.ports == ports } ? ports : [], processes: common(\.processes),
      processors: common(\.processors), memory: common(\.memory))
  }

  /// The duration stands beside the action; that of network-down stands inside.
  private static func readHold(
    _ fields: Fields, _ owner: Value, _ action: Action?, limit: Duration?, in context: ChaosMeshContext
  ) -> Duration? {
    if let value = fields.present("duration") {
      guard let own = value.faultDuration() else { return nil }
      return limit.map { min($0, own) } ?? own
    }
    if let limit { return limit }
    if action == .down, let block = fields.present("network-down"), case .mapping(let members) = block.node.content,
      let member = members.first(where: { $0.key == "duration" })
    {
      return Value(member.value, path: "\(block.path).duration", in: block.reading).faultDuration()
    }
    owner.remark(
      "no duration: there it lasts until someone deletes the object; here it ends after \(context.endless.text)",
      fix: "add duration, or choose with --endless")
    return context.endless
  }
}
