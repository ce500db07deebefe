internal import Events
internal import Support

/// What was seen of a leadership that does everything right, simulated from a seed: terms that end by release, by expiry and by
/// being cut off; holders whose clocks are off by less than their uncertainty; two resources that accept in their own order;
/// attempts with old tokens; writes whose outcome stays unknown; transactional producers that are fenced off.
struct CleanLeadership {
  /// One term of one holder, as it really was. Times are nanoseconds.
  struct Term {
    var holder: String
    var token: FencingToken
    var granted: Int64
    /// The last moment at which anybody could believe in it.
    var end: Int64
    var isCutOff: Bool

    /// A moment at which nobody can lead: the term is over whatever the clocks, and the next has not begun.
    var vacant: Int64 { end + uncertainty * 3 / 2 + second / 1000 }
  }

  static let second: Int64 = 1_000_000_000
  static let ttl = 10 * second
  static let uncertainty = second / 5
  static let holders = ["east", "eu", "ap"]
  static let resources = ["orders", "billing"]

  var terms: [Term] = []
  var changes: [LeaseChange] = []
  var writes: [FencedWrite] = []
  var accepts: [String: [FenceAccept]] = [:]
  var appends: [ProducerAppend] = []
  var isolations: [(node: String, during: ClosedRange<Int64>)] = []
  var end: Int64 = 0
  private var sequence: UInt64 = 0
  private var random: SeededRandom

  init(seed: UInt64) {
    random = SeededRandom(seed: seed, for: "leadership")
    var now = 1000 * Self.second
    var revision: Int64 = 5
    // Half of the seeds restore the coordination service from a backup in between: revisions fall, the epoch rises.
    let restoredAt = Bool.random(using: &random) ? 3 : Int.max
    for number in 0..<6 {
      if number == restoredAt { revision = 3 }
      let token = FencingToken(epoch: number >= restoredAt ? 1 : 0, revision)
      now = lead(number, token, from: now)
      revision += 20
    }
    end = now + 2 * Self.second
    tryOldTokens()
    append()
  }

  private mutating func within(_ most: Int64) -> Int64 { Int64.random(in: 0..<most, using: &random) }

  mutating func nextEvent() -> EventID {
    sequence += 1
    return EventID(producer: 7, sequence: sequence)
  }

  /// One whole term. Returns when the next one may begin to campaign.
  private mutating func lead(_ number: Int, _ token: FencingToken, from start: Int64) -> Int64 {
    let holder = Self.holders[number % 3]
    let clock = within(Self.uncertainty) - Self.uncertainty / 2
    let isLast = number == 5
    let isReleased = !isLast && number % 3 == 1
    let isCutOff = number % 3 == 2
    var sent = start + within(Self.second)
    let granted = sent + Self.second / 50
    func change(_ kind: LeaseChange.Kind, _ invoked: Int64, _ returned: Int64) -> LeaseChange {
      let isHeld = kind == .acquired || kind == .renewed
      return LeaseChange(
        kind, holder: holder, token: token, invoked: invoked, returned: returned,
        leaseEnd: isHeld ? invoked + Self.ttl + clock : nil, ttl: Self.ttl, uncertainty: Self.uncertainty,
        holderClock: isHeld ? invoked + clock : nil)
    }
    changes.append(change(.acquired, sent, granted))
    for _ in 0..<Int.random(in: 5...8, using: &random) {
      sent += 3 * Self.second
      changes.append(change(.renewed, sent, sent + Self.second / 50))
    }
    let lastRenewal = sent
    var term = Term(holder: holder, token: token, granted: granted, end: lastRenewal + Self.ttl, isCutOff: isCutOff)
    if isReleased {
      let released = lastRenewal + Self.second
      changes.append(change(.released, released, released + Self.second / 50))
      term.end = released
    }
    if isCutOff { isolations.append((holder, lastRenewal + Self.second...term.end + 3 * Self.second)) }
    let believed = isReleased ? term.end : term.end - Self.uncertainty
    write(token, holder, from: granted, to: believed - Self.second / 2, clock)
    if isCutOff { acceptAtHome(token, holder, lastRenewal + 2 * Self.second) }
    terms.append(term)
    return term.end + 2 * Self.uncertainty
  }

  private mutating func write(_ token: FencingToken, _ holder: String, from: Int64, to: Int64, _ clock: Int64) {
    for resource in Self.resources {
      accepts[resource, default: []].append(
        FenceAccept(
          resource: resource, sequence: nextSequence(resource), token: token, isSeal: true,
          known: from + Self.second / 10))
      var time = from + Self.second / 5 + within(Self.second / 5)
      while time < to {
        let event = nextEvent()
        let returned = time + Self.second / 100
        let chance = Int.random(in: 0..<20, using: &random)
        let isUnknown = chance == 0
        writes.append(
          FencedWrite(
            holder: holder, token: token, resource: resource, event: event, invoked: time,
            returned: isUnknown ? nil : returned, status: isUnknown ? .unknown : .ok, holderClock: time + clock))
        // Half of what is unknown took effect.
        if !isUnknown || Bool.random(using: &random) {
          take(resource, token, event, time, isUnknown ? nil : returned)
        }
        time += Self.second / 2 + within(Self.second / 2)
      }
    }
  }

  private mutating func take(
    _ resource: String, _ token: FencingToken, _ event: EventID, _ invoked: Int64, _ known: Int64?
  ) {
    accepts[resource, default: []].append(
      FenceAccept(
        resource: resource, sequence: nextSequence(resource), token: token, event: event, invoked: invoked, known: known
      ))
  }

  func nextSequence(_ resource: String) -> Int64 { (accepts[resource]?.last?.sequence ?? 0) + 1 }

  /// A holder that is cut off may go on writing to what stands beside it while its lease runs.
  private mutating func acceptAtHome(_ token: FencingToken, _ holder: String, _ time: Int64) {
    let event = nextEvent()
    writes.append(
      FencedWrite(
        holder: holder, token: token, resource: holder, event: event, invoked: time, returned: time + Self.second / 100,
        status: .ok))
    take(holder, token, event, time, time + Self.second / 100)
  }

  /// Each old leader tries its token once more, after the next one has sealed.
  private mutating func tryOldTokens() {
    for (old, new) in zip(terms, terms.dropFirst()) {
      for resource in Self.resources {
        let time = new.granted + 2 * Self.second
        writes.append(
          FencedWrite(
            holder: old.holder, token: old.token, resource: resource, event: nextEvent(), invoked: time,
            returned: time + Self.second / 100, status: .rejected))
      }
    }
    // A token that was never granted is refused, and a read-only resource refuses everybody.
    let time = end - Self.second
    for (token, status) in [(FencingToken(epoch: 9, 1), FencedWrite.Status.rejected), (terms[5].token, .closed)] {
      writes.append(
        FencedWrite(
          holder: "eu", token: token, resource: "orders", event: nextEvent(), invoked: time, returned: time + 1,
          status: status))
    }
  }

  private mutating func append() {
    for producer in ["payments-1", "payments-2"] {
      var epoch: Int32 = 0
      for offset in Int64(0)..<40 {
        if Int.random(in: 0..<10, using: &random) == 0 { epoch += 1 }
        appends.append(
          ProducerAppend(
            transactionalID: producer, epoch: epoch, log: "payments-0", offset: offset * 2, event: nextEvent()))
      }
    }
  }

  /// Everything in the order in which checks take it.
  var events: [LeadershipEvent] {
    var timed = changes.map { (time: $0.returned, event: LeadershipEvent.lease($0)) }
    timed += writes.map { (time: $0.returned ?? .max, event: LeadershipEvent.write($0)) }
    let order = timed.enumerated().sorted { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) }
    var events = isolations.map { LeadershipEvent.isolated(node: $0.node, during: $0.during) }
    events += order.map(\.element.event)
    for (resource, accepts) in accepts.sorted(by: { $0.key < $1.key }) {
      events += accepts.map(LeadershipEvent.accept)
      events.append(.acceptsAreComplete(resource: resource))
    }
    return events + appends.map(LeadershipEvent.append) + [.end(at: end)]
  }
}
