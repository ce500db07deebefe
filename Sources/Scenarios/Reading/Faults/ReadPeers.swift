internal import Support

extension PeerSelection {
  static func read(_ value: Value) -> PeerSelection? {
    switch value.node.content {
    case .sequence: return value.list { $0.text(expected: "a region") }.map { .regions($0) }
    case .mapping: return PeerSet.read(value).map { .selected($0) }
    case .scalar: break
    }
    guard let text = value.text(expected: "'all' or a list of regions") else { return nil }
    guard text == "all" else {
      value.mistake("expected 'all' or a list of regions, found \(quoted(text))", fix: "a single region: [\(text)]")
      return nil
    }
    return .all
  }
}

extension PeerSet {
  fileprivate static func read(_ value: Value) -> PeerSet? {
    value.fields { fields in
      // Absent is nil; so is a wrong one, but then its mistake was noted and the scenario is refused.
      let regions = fields.value("regions").flatMap(PeerRegions.read)
      let roles = fields.optional("roles", or: []) { $0.list { $0.choice(Role.self, called: "a role") } }
      let nodes = fields.optional("nodes", or: []) { $0.list { $0.text(expected: "a node") } }
      let addresses = fields.optional("addresses", or: []) { $0.list { $0.peerAddress() } }
      let networks = fields.optional("networks", or: []) { $0.list { $0.network() } }
      let names = fields.optional("names", or: []) { $0.list { $0.hostName() } }
      guard let roles, let nodes, let addresses, let networks, let names else { return nil }
      let set = PeerSet(
        regions: regions, roles: roles, nodes: nodes, addresses: addresses, networks: networks, names: names)
      guard !set.isEmpty || fields.has("regions") || fields.hasUnknownKeys else {
        fields.mistake(
          "names nobody: the fault would have zero targets", fix: "such as from: { networks: [10.0.0.0/8] }")
        return nil
      }
      return set
    }
  }
}

extension PeerSet.PeerRegions {
  fileprivate static func read(_ value: Value) -> PeerSet.PeerRegions? {
    if case .sequence = value.node.content { return value.list { $0.text(expected: "a region") }.map { .named($0) } }
    guard let text = value.text(expected: "'all' or a list of regions") else { return nil }
    guard text == "all" else {
      value.mistake("expected 'all' or a list of regions, found \(quoted(text))", fix: "a single region: [\(text)]")
      return nil
    }
    return .all
  }
}

extension Value {
  /// An address that packets can come from.
  func peerAddress() -> String? {
    let form = "an address such as 10.0.0.5 or fd00::5"
    guard let text = text(expected: form) else { return nil }
    guard let address = NetworkAddress(text) else {
      let isNetwork = NetworkRange(text) != nil
      mistake("expected \(form), found \(quoted(text))", fix: isNetwork ? "networks: [\(text)]" : nil)
      return nil
    }
    return isCarried(address, text) ? text : nil
  }

  /// A network such as `10.0.0.0/8`.
  func network() -> String? {
    let form = "a network such as 10.0.0.0/8 or fd00::/8"
    guard let text = text(expected: form) else { return nil }
    guard let range = NetworkRange(text) else {
      let isAddress = NetworkAddress(text) != nil
      mistake("expected \(form), found \(quoted(text))", fix: isAddress ? "addresses: [\(text)]" : nil)
      return nil
    }
    guard range.isNetwork else {
      mistake("\(text) has bits behind its length", fix: "\(range.network), or the address alone under addresses")
      return nil
    }
    return range.length < 96 || isCarried(range.address, text) ? text : nil
  }

  private func isCarried(_ address: NetworkAddress, _ text: String) -> Bool {
    if address.isIPv4Mapped {
      mistake("\(text) is IPv4 in IPv6 clothes, which no packet carries", fix: "write it as IPv4")
      return false
    }
    if address.isUnspecified, !text.contains("/") {
      mistake("no packet comes from \(text)", fix: "everything is networks: [0.0.0.0/0, ::/0]")
      return false
    }
    return true
  }

  /// A name that stands for addresses (RFC 1035 §2.3.4, without regard to letters).
  func hostName() -> String? {
    let form = "a host name such as db.example.org"
    guard let text = text(expected: form) else { return nil }
    if NetworkAddress(text) != nil {
      mistake("\(text) is an address and no name", fix: "addresses: [\(text)]")
      return nil
    }
    if NetworkRange(text) != nil {
      mistake("\(text) is a network and no name", fix: "networks: [\(text)]")
      return nil
    }
    let labels = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    let own = labels.last?.isEmpty == true ? labels.dropLast() : labels[...]
    let isName =
      text.utf8.count <= 253 && !own.isEmpty && own.allSatisfy { (1...63).contains($0.count) }
      && text.utf8.allSatisfy { byte in
        switch byte {
        case 45, 46, 95, 48...57, 65...90, 97...122: true
        default: false
        }
      }
    guard isName else {
      mistake("expected \(form), found \(quoted(text))")
      return nil
    }
    return text
  }
}
