internal import Events
internal import Support

extension PlantedErrors {
  /// The planted errors of leadership and fencing, one or more for each of E1 to E12.
  public static let leadership = PlantedErrors(
    family: "leadership", findInClean: { foundInLeadership(CleanLeadership(seed: $0).events) },
    errors: grantErrors + fenceErrors + holderErrors)

  private static func foundInLeadership(_ events: [LeadershipEvent]) -> Set<Anomaly> {
    var checks = LeadershipChecks(LeadershipExpectations())
    for event in events { checks.take(event) }
    // A record cut down by minimising has lost its end; checks judge by what is there.
    if !events.contains(where: \.isEnd) { checks.take(.end(at: nil)) }
    return Set(checks.drain().compactMap { Anomaly(rawValue: $0.anomaly) })
  }

  private static func error(
    _ name: String, _ expected: Set<Anomaly>,
    _ plant: @escaping @Sendable (inout CleanLeadership, inout SeededRandom) -> Void
  ) -> PlantedError {
    PlantedError(
      name, expected: expected,
      record: { seed in
        var record = CleanLeadership(seed: seed)
        var random = SeededRandom(seed: seed, for: "error")
        plant(&record, &random)
        return record.events
      }, check: foundInLeadership)
  }

  private static let grantErrors = [
    error("grant one token to two holders", [.twoLeadersOneTerm]) { record, random in
      let term = record.terms[Int.random(in: 0..<5, using: &random)]
      record.addGrant(term.token, to: "elsewhere", at: term.vacant)
    },
    error("grant a lower token than before", [.tokenRegress]) { record, random in
      let term = record.terms[Int.random(in: 0..<5, using: &random)]
      let token = FencingToken(epoch: term.token.epoch, term.token.revision - 1)
      record.addGrant(token, to: "elsewhere", at: term.vacant)
    },
    error("grant the same token to its holder again", [.tokenRegress]) { record, random in
      let term = record.terms[[0, 1, 3, 4].randomElement(using: &random) ?? 0]
      record.addGrant(term.token, to: term.holder, at: term.vacant)
    },
    error("restore the coordination service and leave the epoch as it was", [.tokenRegress]) { record, random in
      let term = record.terms[Int.random(in: 1..<5, using: &random)]
      let first = record.terms[term.token.epoch == 0 ? 0 : 3].token
      record.addGrant(
        FencingToken(epoch: first.epoch, first.revision - 2), to: "elsewhere",
        at: term.vacant)
    },
    error("let a lease run on into the next one", [.leaseOverlap]) { record, random in
      let place = [0, 3].randomElement(using: &random) ?? 0
      record.prolong(record.terms[place].token, by: 6 * CleanLeadership.second)
    },
    error("let a lease end within the uncertainty of the clocks before the next one", [.leaseOverlap]) {
      record, random in
      let place = [0, 3].randomElement(using: &random) ?? 0
      record.blur(record.terms[place].token, by: 4 * CleanLeadership.second)
    },
    error("leave leadership vacant for too long", [.electionLate]) { record, random in
      // Terms that are released early are too short to be missed.
      record.remove(record.terms[Int.random(in: 2...3, using: &random)].token)
    },
    error("end with nobody in the lead", [.electionLate]) { record, _ in
      record.end += 3 * CleanLeadership.ttl
    },
    error("pass leadership on in quick succession", [.leadershipFlapping]) { record, random in
      let term = record.terms[Int.random(in: 0..<5, using: &random)]
      for number in Int64(1)...6 {
        record.addGrant(
          FencingToken(epoch: term.token.epoch, term.token.revision + number), to: "elsewhere",
          at: term.vacant + number * 1_000_000)
      }
    },
    error("keep the lease of a holder alive that is cut off", [.minorityLeader]) { record, random in
      guard let (node, interval) = record.isolations.randomElement(using: &random),
        let token = record.terms.last(where: { $0.holder == node && $0.granted < interval.lowerBound })?.token
      else { return }
      let time = interval.lowerBound + CleanLeadership.second
      record.changes.append(
        LeaseChange(.renewed, holder: node, token: token, invoked: time, returned: time + CleanLeadership.second / 50))
    },
  ]

  private static let fenceErrors = [
    error("take an old token after a newer one", [.staleTokenAccepted]) { record, random in
      record.acceptLate(&random, beforeSeal: false)
    },
    error("take an old token before the newer one has arrived", [.unsealedWindow]) { record, random in
      record.acceptLate(&random, beforeSeal: true)
    },
    error("refuse the leader's own token", [.currentTokenRejected]) { record, random in
      let term = record.terms[Int.random(in: 0..<6, using: &random)]
      let event = record.nextEvent()
      let time = term.granted + CleanLeadership.second
      record.writes.append(
        FencedWrite(
          holder: term.holder, token: term.token, resource: "orders", event: event, invoked: time,
          returned: time + CleanLeadership.second / 100, status: .rejected))
    },
    error("seal a resource with a token that nobody was granted", [.currentTokenRejected]) { record, _ in
      record.accepts["billing", default: []].append(
        FenceAccept(
          resource: "billing", sequence: record.nextSequence("billing"), token: FencingToken(epoch: 7, 1), isSeal: true)
      )
    },
    error("acknowledge a write and discard it", [.acceptMismatch]) { record, random in
      let written = record.writes.filter { $0.status == .ok && $0.resource == "orders" }
      guard let event = written.randomElement(using: &random)?.event else { return }
      record.accepts["orders"]?.removeAll { $0.event == event }
    },
    error("refuse a write and keep it", [.acceptMismatch]) { record, random in
      let written = record.writes.indices.filter {
        record.writes[$0].status == .ok && record.writes[$0].resource == "billing"
      }
      guard let place = written.randomElement(using: &random) else { return }
      record.writes[place].status = .closed
    },
    error("let a producer of an old epoch write on", [.zombieProducer]) { record, _ in
      let old = record.appends[0]
      record.appends.append(
        ProducerAppend(
          transactionalID: old.transactionalID, epoch: old.epoch - 1, log: old.log, offset: 1000,
          event: record.nextEvent()))
    },
  ]

  private static let holderErrors = [
    error("pause a holder past its lease, by its own clock", [.holderPastLease]) { record, random in
      let written = record.writes.indices.filter {
        record.writes[$0].status == .ok && record.writes[$0].holderClock != nil
      }
      guard let place = written.randomElement(using: &random) else { return }
      record.writes[place].holderClock? += 60 * CleanLeadership.second
    },
    error("take writes of a holder that is cut off, after its lease", [.minorityLeader]) { record, random in
      guard let (node, interval) = record.isolations.randomElement(using: &random),
        let term = record.terms.last(where: { $0.holder == node && $0.granted < interval.lowerBound })
      else { return }
      // Before anybody else is granted leadership: otherwise it would be a late accept as well.
      let next = record.terms.first { $0.granted > term.granted }?.granted ?? .max
      let time = min(next, interval.upperBound) - CleanLeadership.second / 100
      // Its last renewal fell short of what the coordination service reckoned with.
      record.shorten(term.token, to: time - 2 * CleanLeadership.second)
      let event = record.nextEvent()
      let place = record.accepts[node]?.lastIndex { $0.token == term.token } ?? 0
      record.accepts[node]?.insert(
        FenceAccept(resource: node, sequence: 0, token: term.token, event: event, invoked: time, known: time + 1),
        at: place + 1)
    },
  ]
}

extension LeadershipEvent {
  var isEnd: Bool {
    guard case .end = self else { return false }
    return true
  }
}

extension CleanLeadership {
  /// A grant of which nothing more is known.
  fileprivate mutating func addGrant(_ token: FencingToken, to holder: String, at time: Int64) {
    changes.append(
      LeaseChange(.acquired, holder: holder, token: token, invoked: time, returned: time + Self.second / 1000))
  }

  private func lastLease(_ token: FencingToken) -> Int? {
    changes.lastIndex { $0.token == token && $0.leaseEnd != nil }
  }

  /// Lets the last renewal of a term reach further.
  fileprivate mutating func prolong(_ token: FencingToken, by time: Int64) {
    if let place = lastLease(token) { changes[place].leaseEnd? += time }
  }

  /// Makes the end of a term less certain.
  fileprivate mutating func blur(_ token: FencingToken, by time: Int64) {
    if let place = lastLease(token) { changes[place].uncertainty += time }
  }

  /// Lets every lease of a term end by `time`.
  fileprivate mutating func shorten(_ token: FencingToken, to time: Int64) {
    for place in changes.indices where changes[place].token == token {
      changes[place].leaseEnd = changes[place].leaseEnd.map { min($0, time) }
    }
  }

  /// Takes a term out altogether, and what was refused because of it.
  fileprivate mutating func remove(_ token: FencingToken) {
    guard let term = terms.first(where: { $0.token == token }) else { return }
    changes.removeAll { $0.token == token }
    writes.removeAll { $0.token == token || $0.status == .rejected && (term.granted...term.end).contains($0.invoked) }
    for resource in accepts.keys { accepts[resource]?.removeAll { $0.token == token } }
  }

  /// Lets a resource take a write of a term that is over: before or after it has taken the next term's token.
  fileprivate mutating func acceptLate(_ random: inout SeededRandom, beforeSeal: Bool) {
    let number = Int.random(in: 0..<5, using: &random)
    let (old, new) = (terms[number], terms[number + 1])
    let event = nextEvent()
    guard let seal = accepts["orders"]?.firstIndex(where: { $0.token == new.token }) else { return }
    let place = beforeSeal ? seal : seal + 1
    let time = new.granted + Self.second / 20
    accepts["orders"]?.insert(
      FenceAccept(
        resource: "orders", sequence: 0, token: old.token, event: event, invoked: beforeSeal ? time : nil,
        known: beforeSeal ? time + 1 : nil), at: place)
    for place in accepts["orders"]?.indices ?? 0..<0 { accepts["orders"]?[place].sequence = Int64(place) }
  }
}
