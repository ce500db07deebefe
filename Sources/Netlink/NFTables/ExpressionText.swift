// What a rule does, in words near to those of `nft`, for plans and journals.

extension NFTables.Expression: CustomStringConvertible {
  /// One step in words near to those of `nft`.
  public var description: String {
    switch self {
    case .load(let key, _): "meta \(key.word)"
    case .loadNetworkHeader(12, 4, _): "ip saddr"
    case .loadNetworkHeader(16, 4, _): "ip daddr"
    case .loadNetworkHeader(8, 16, _): "ip6 saddr"
    case .loadNetworkHeader(24, 16, _): "ip6 daddr"
    case .loadNetworkHeader(let offset, let length, _): "@nh,\(offset * 8),\(length * 8)"
    case .loadTransportHeader(0, 2, _): "th sport"
    case .loadTransportHeader(2, 2, _): "th dport"
    case .loadTransportHeader(let offset, let length, _): "@th,\(offset * 8),\(length * 8)"
    case .loadSocketControlGroup(let level, _): "socket cgroupv2 level \(level)"
    case .generate(let source, let modulus, let offset, _):
      "numgen \(source == .random ? "random" : "inc") mod \(modulus)" + (offset == 0 ? "" : " offset \(offset)")
    case .immediate(let bytes, _): Self.number(bytes)
    case .set(let key, _): "meta \(key.word) set"
    case .toNetworkOrder: "as number"
    case .mask(let mask, let flip, _):
      "& \(Self.number(mask))" + (flip.allSatisfy { $0 == 0 } ? "" : " ^ \(Self.number(flip))")
    case .compare(let comparison, let bytes, _): comparison.sign + Self.number(bytes)
    case .isBetween(let first, let last, _, let inverted):
      "\(inverted ? "!= " : "")\(Self.number(first))-\(Self.number(last))"
    case .isInSet(let name, _, _, let inverted): "\(inverted ? "!= " : "")@\(name)"
    case .limit(let limit): limit.description
    case .counter: "counter"
    case .forward: "fwd to"
    case .reject(let refusal): "reject with \(refusal)"
    case .queue(let number, let bypass), .compatibleQueue(let number, let bypass):
      "queue num \(number)\(bypass ? " bypass" : "")"
    case .verdict(let verdict): "\(verdict)"
    }
  }

  private static func number(_ bytes: [UInt8]) -> String {
    bytes.count == 1 ? "\(bytes[0])" : "0x" + hex(bytes)
  }
}

extension NFTables.MetaKey {
  /// The word that `nft` uses.
  var word: String {
    switch self {
    case .length: "length"
    case .etherType: "protocol"
    case .priority: "priority"
    case .mark: "mark"
    case .inputIndex: "iif"
    case .outputIndex: "oif"
    case .inputName: "iifname"
    case .outputName: "oifname"
    case .socketUser: "skuid"
    case .socketGroup: "skgid"
    case .protocolFamily: "nfproto"
    case .transportProtocol: "l4proto"
    case .random: "random"
    }
  }
}

extension NFTables.Comparison {
  /// What stands before the number; nothing for equality.
  var sign: String {
    switch self {
    case .equal: ""
    case .notEqual: "!= "
    case .below: "< "
    case .atMost: "<= "
    case .above: "> "
    case .atLeast: ">= "
    }
  }
}

extension NFTables.Verdict: CustomStringConvertible {
  /// `drop`, `jump x`.
  public var description: String {
    switch self {
    case .drop: "drop"
    case .accept: "accept"
    case .return: "return"
    case .jump(let chain): "jump \(chain)"
    case .goto(let chain): "goto \(chain)"
    }
  }
}

extension NFTables.Refusal: CustomStringConvertible {
  /// `tcp reset`, `icmpx host-unreachable`.
  public var description: String {
    switch self {
    case .tcpReset: "tcp reset"
    case .icmp(.noRoute): "icmpx no-route"
    case .icmp(.port): "icmpx port-unreachable"
    case .icmp(.host): "icmpx host-unreachable"
    case .icmp(.prohibited): "icmpx admin-prohibited"
    }
  }
}

extension NFTables.Limit: CustomStringConvertible {
  /// `limit rate over 100/second burst 5 packets`.
  public var description: String {
    let unit = countsBytes ? "bytes" : "packets"
    return
      "limit rate \(matchesExcess ? "over " : "")\(perSecond)\(countsBytes ? " bytes" : "")/second burst \(burst) \(unit)"
  }
}

extension NFTables.Hook: CustomStringConvertible {
  /// `prerouting`, `egress device "eth0"`.
  public var description: String {
    switch self {
    case .prerouting: "prerouting"
    case .input: "input"
    case .forward: "forward"
    case .output: "output"
    case .postrouting: "postrouting"
    case .ingress(let device): "ingress device \"\(device)\""
    case .egress(let device): "egress device \"\(device)\""
    }
  }
}
