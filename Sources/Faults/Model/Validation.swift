internal import Netlink

extension Fault {
  /// Checks everything that can be known without a node.
  ///
  /// - Throws: ``FaultError`` with the first mistake and how to mend it.
  public func validate() throws(FaultError) {
    do throws(Mistake) {
      for (what, text) in [("id", id), ("run", run)] {
        guard (1...64).contains(text.utf8.count), text.utf8.allSatisfy(Self.isNameByte) else {
          throw Mistake("\(what) \"\(text)\" is not 1 to 64 letters, digits, '-', '_' or '.'")
        }
      }
      try validateEffects()
      try targets.validate(inbound: inbound != nil, knowsPorts: inbound?.answers != nil)
      try timing.validate()
    } catch {
      throw FaultError(error.reason, fault: id, node: node)
    }
  }

  private func validateEffects() throws(Mistake) {
    guard inbound != nil || outbound != nil || killsConnections else {
      throw Mistake("it has no effect in either direction")
    }
    for direction in Direction.allCases {
      guard let effect = effect(direction) else { continue }
      guard !effect.isEmpty else {
        throw Mistake("its \(direction) effect does nothing; leave it out, or say what happens to packets")
      }
      try effect.validate("its \(direction)")
    }
    try validateAnswers()
    if inbound == nil && outbound == nil, timing.flapping != nil {
      throw Mistake("connections are destroyed once, at arming; there is nothing that could flap")
    }
  }

  /// Whether a text can be the id of a fault or of a run.
  static func isName(_ text: String) -> Bool {
    (1...64).contains(text.utf8.count) && text.utf8.allSatisfy(isNameByte)
  }

  private static func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
      true
    default: false
    }
  }
}

/// What is wrong with a fault, before it is known which fault it is.
struct Mistake: Error {
  let reason: FaultError.Reason

  init(_ text: String) {
    reason = .invalid(text)
  }

  init(_ reason: FaultError.Reason) {
    self.reason = reason
  }
}

/// A share, 0…1; NaN is none.
private func checkShare(_ what: String, _ value: Double) throws(Mistake) {
  guard value >= 0, value <= 1 else { throw Mistake("\(what) of \(value) is not within 0 and 1") }
}

private func checkTime(_ what: String, _ nanoseconds: Int64) throws(Mistake) {
  guard (0...3_600_000_000_000).contains(nanoseconds) else {
    throw Mistake("\(what) of \(nanoseconds) ns is not within 0 and 1 hour")
  }
}

extension Fault.Effect {
  fileprivate func validate(_ whose: String) throws(Mistake) {
    if cut != nil, self != Fault.Effect(cut: cut) {
      throw Mistake(
        "\(whose) cut lets nothing pass, so nothing else can happen to packets of that direction; leave one out")
    }
    try loss?.validate("\(whose) loss")
    try delay?.validate("\(whose) delay")
    if let reorder {
      try checkShare("\(whose) reordering: a probability", reorder.probability)
      try checkShare("\(whose) reordering: a correlation", reorder.correlation)
      guard (1...1_000_000).contains(reorder.gap) else {
        throw Mistake("\(whose) reordering: a gap of \(reorder.gap) is not within 1 and 1,000,000 packets")
      }
      guard let delay, delay.baseNanoseconds > 0 else {
        throw Mistake("\(whose) reordering needs a delay: only what is held back can be overtaken")
      }
    }
    for (what, chance) in [("duplication", duplicate), ("corruption", corrupt)] {
      guard let chance else { continue }
      try checkShare("\(whose) \(what): a probability", chance.probability)
      try checkShare("\(whose) \(what): a correlation", chance.correlation)
      guard chance.probability > 0 else { throw Mistake("\(whose) \(what) has probability 0, so it does nothing") }
    }
    try rate?.validate("\(whose) rate")
  }
}

extension Fault.Loss {
  fileprivate func validate(_ whose: String) throws(Mistake) {
    switch self {
    case .random(let probability, let correlation), .pattern(let probability, let correlation):
      try checkShare("\(whose): a probability", probability)
      try checkShare("\(whose): a correlation", correlation)
      guard probability > 0 else { throw Mistake("\(whose) has probability 0, so it does nothing") }
      guard correlation < 1 || probability == 1 else {
        throw Mistake("\(whose): with a correlation of 1 the first packet decides for all; choose less than 1")
      }
    case .bursts(let model):
      for (name, value) in [
        ("p", model.toBad), ("r", model.toGood), ("1-h", model.lossInBad), ("1-k", model.lossInGood),
      ] { try checkShare("\(whose): \(name)", value) }
      guard model.meanLoss > 0 else { throw Mistake("\(whose): the model never loses a packet") }
    case .everyNth(let n):
      guard (1...1_000_000_000).contains(n) else {
        throw Mistake("\(whose): every \(n). packet is not possible; choose 1 to 1,000,000,000")
      }
    }
  }
}

extension Fault.Delay {
  fileprivate func validate(_ whose: String) throws(Mistake) {
    try checkTime("\(whose)", baseNanoseconds)
    try checkTime("\(whose): a jitter", jitterNanoseconds)
    try checkShare("\(whose): a correlation", correlation)
    guard baseNanoseconds > 0 || jitterNanoseconds > 0 || slots != nil else {
      throw Mistake("\(whose) of nothing does nothing; leave it out")
    }
    if case .table(let table) = distribution {
      guard (1...16_384).contains(table.count) else {
        throw Mistake("\(whose): a distribution table has 1 to 16,384 values, not \(table.count)")
      }
    }
    if let slots {
      try checkTime("\(whose): a slot", slots.minimumNanoseconds)
      try checkTime("\(whose): a slot", slots.maximumNanoseconds)
      guard slots.maximumNanoseconds > 0, slots.minimumNanoseconds <= slots.maximumNanoseconds, slots.packets >= 0,
        slots.bytes >= 0
      else {
        throw Mistake(
          "\(whose): slots need a longest time that is not 0 nor below the shortest, and limits of 0 or more")
      }
    }
  }
}

extension Fault.Rate {
  fileprivate func validate(_ whose: String) throws(Mistake) {
    guard bytesPerSecond >= 100 else {
      throw Mistake("\(whose) of \(bytesPerSecond) bytes/s is less than 100; use a cut")
    }
    guard burst >= 1600 else {
      throw Mistake("\(whose): a burst of \(burst) bytes never lets a full packet pass; at least 1,600")
    }
    guard queue >= burst / 64, queue >= 1600 else {
      throw Mistake("\(whose): a queue of \(queue) bytes holds no full packet; at least 1,600")
    }
  }
}

extension Fault.Targets {
  /// - Parameter knowsPorts: whether the effect itself says which ports are meant.
  fileprivate func validate(inbound: Bool, knowsPorts: Bool) throws(Mistake) {
    guard
      limitsPeers || hasPorts || !protocols.isEmpty || cgroup != nil || user != nil || owner != nil || knowsPorts
    else {
      throw Mistake("it has no peers, so it could never do anything; to mean everything, name 0.0.0.0/0 and ::/0")
    }
    let addresses = peers.count + except.peers.count
    guard addresses <= Self.mostPeers else {
      throw Mistake("it names \(addresses) addresses, more than \(Self.mostPeers); use networks")
    }
    let exempt = Set(exempt)
    for peer in peers {
      try checkAddress("peer", peer)
      if exempt.contains(peer) { throw Mistake(.cutsControlChannel(peer)) }
    }
    for address in except.peers { try checkAddress("excepted address", address) }
    for address in self.exempt { try checkAddress("exempt address", address) }
    for network in networks + except.networks {
      if network.address.isIPv4Mapped && network.length >= 96 {
        throw Mistake(
          "network \(network) holds IPv4 addresses in IPv6 clothes, which no packet carries; write it as IPv4")
      }
      guard network.isNetwork else {
        throw Mistake(
          "\(network) has bits beyond its length, so it is no network; clear them, or name the address alone")
      }
    }
    for name in names {
      guard (1...253).contains(name.utf8.count), !name.utf8.contains(where: { $0 <= 32 || $0 >= 127 }) else {
        throw Mistake("\"\(name)\" is no host name: 1 to 253 visible ASCII characters")
      }
      if let address = IPAddress(name) { throw Mistake("\"\(address)\" is an address; put it among the peers") }
    }
    try validatePorts()
    try owner?.validate(besides: self)
    if user != nil || owner?.user != nil, inbound {
      throw Mistake(
        .unsupported("packets that arrive belong to no user yet; use the outbound side, or a cgroup, or a local port"))
    }
    if let cgroup, cgroup.level == 0 || cgroup.id == 0 {
      throw Mistake("cgroup \(cgroup.id) at level \(cgroup.level) is the root, to which all belong; leave it out")
    }
    if let devices {
      guard !devices.isEmpty, Set(devices).count == devices.count else {
        throw Mistake("its list of devices is empty or names one twice; leave it out to mean all")
      }
      for device in devices where !(1...15).contains(device.utf8.count) || device.contains("/") {
        throw Mistake("\"\(device)\" is no name of a device: 1 to 15 bytes, no '/'")
      }
    }
  }

  private func validatePorts() throws(Mistake) {
    for range in remotePorts + localPorts + eitherPorts + except.remotePorts + except.localPorts
    where range.first > range.last { throw Mistake("ports \(range) are the wrong way round") }
    guard hasPorts else { return }
    if let wrong = protocols.first(where: { !$0.hasPorts }) {
      throw Mistake("ports were named together with \(wrong), which has none")
    }
  }

  private func checkAddress(_ what: String, _ address: IPAddress) throws(Mistake) {
    if address.isIPv4Mapped {
      throw Mistake("\(what) \(address) is an IPv4 address in IPv6 clothes, which no packet carries; write it as IPv4")
    }
    if address == .v4(0) || address == .v6(0, 0) {
      throw Mistake("\(what) \(address) is the unspecified address, which no packet comes from")
    }
  }
}

extension Fault.Timing {
  fileprivate func validate() throws(Mistake) {
    guard heartbeatMilliseconds >= 10, silenceMilliseconds / 2 >= heartbeatMilliseconds else {
      throw Mistake(
        "a heartbeat of \(heartbeatMilliseconds) ms with \(silenceMilliseconds) ms of silence cannot hold: "
          + "at least 10 ms, and silence of two heartbeats or more")
    }
    guard (100...604_800_000).contains(leaseMilliseconds) else {
      throw Mistake("a lease of \(leaseMilliseconds) ms is not within 100 ms and 7 days")
    }
    if let flapping {
      guard flapping.onMilliseconds >= 20, flapping.offMilliseconds >= 20 else {
        throw Mistake(
          "\(flapping.onMilliseconds) ms on and \(flapping.offMilliseconds) ms off is too fast; at least 20 ms each")
      }
    }
  }
}
