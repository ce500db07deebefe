internal import Netlink

extension Fault.Answers {
  func validate() throws(Mistake) {
    switch self {
    case .names(let rules):
      guard !rules.isEmpty else { throw Mistake("its answers name no names; say which, or * for all") }
      for rule in rules { try rule.validate() }
    case .time(let shift): try shift.validate()
    }
  }
}

extension Fault.NameRule {
  /// So many addresses fit the 512 bytes that every resolver takes (RFC 1035 §2.3.4), with the longest name.
  private static let mostAddresses = 8

  fileprivate func validate() throws(Mistake) {
    guard NamePattern.isPossible(name) else {
      throw Mistake("its answers: \"\(name)\" is no name; write a name, *.name for all below it, or * for all")
    }
    guard (0...60_000_000_000).contains(delayNanoseconds) else {
      throw Mistake(
        "its answers about \(name) are held back \(delayNanoseconds) ns, which is not within 0 and 1 minute")
    }
    switch change {
    case .unchanged where delayNanoseconds == 0:
      throw Mistake("its answers about \(name) are neither changed nor held back; leave the name out")
    case .silence where delayNanoseconds > 0:
      throw Mistake("its answers about \(name) do not come at all, so they cannot come late; leave one out")
    case .addresses(let addresses, let seconds):
      guard (1...Self.mostAddresses).contains(addresses.count), Set(addresses).count == addresses.count else {
        throw Mistake("its answers about \(name) need 1 to \(Self.mostAddresses) addresses, each once")
      }
      if let mapped = addresses.first(where: \.isIPv4Mapped) {
        throw Mistake("its answers about \(name): \(mapped) is an IPv4 address in IPv6 clothes; write it as IPv4")
      }
      guard seconds <= 86_400 else {
        throw Mistake("its answers about \(name) would be kept for \(seconds) s; at most a day")
      }
    default: break
    }
  }
}

extension Fault.TimeShift {
  /// Ten years, and a tenth.
  private static let longest: Int64 = 315_576_000_000_000_000
  private static let fastest: Int64 = 100_000_000

  fileprivate func validate() throws(Mistake) {
    guard offsetNanoseconds != 0 || driftPartsPerBillion != 0 else {
      throw Mistake("its time servers are shifted by nothing; give an offset or a drift")
    }
    guard (-Self.longest...Self.longest).contains(offsetNanoseconds) else {
      throw Mistake("its time servers are shifted by more than ten years")
    }
    guard (-Self.fastest...Self.fastest).contains(driftPartsPerBillion) else {
      throw Mistake("its time servers drift by \(driftPartsPerBillion) ppb; at most 100,000,000, a tenth")
    }
  }
}

extension Fault {
  /// What can be beside changed answers: nothing, for they are chosen by what packets say.
  func validateAnswers() throws(Mistake) {
    if outbound?.answers != nil {
      throw Mistake("answers are changed where they arrive; put them on the inbound side of the node that asks")
    }
    guard let answers = inbound?.answers else { return }
    guard inbound == Effect(answers: answers), outbound == nil, !killsConnections else {
      throw Mistake("changed answers stand alone; make a second fault of what else is to happen")
    }
    guard targets.protocols.isEmpty || targets.protocols == [.udp] else {
      throw Mistake("answers are changed in UDP datagrams; leave the protocol out")
    }
    try answers.validate()
  }
}
