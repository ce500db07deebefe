internal import Support

// What happens to packets, as a scenario writes it.

extension PeerSelection {
  var tree: YamlTree {
    switch self {
    case .all: .word("all")
    case .regions(let names): .flow(.list(names.map { .word($0) }))
    case .selected: preconditionFailure("files of other tools come to regions only")
    }
  }
}

extension TrafficScope {
  var tree: YamlTree {
    var members: [YamlTree.Member] = []
    if let transport { members.append(.init("protocol", .word(transport.rawValue))) }
    if !ports.isEmpty { members.append(.init("ports", .list(ports.map { .word($0.description) }))) }
    if !peerPorts.isEmpty { members.append(.init("peerPorts", .list(peerPorts.map { .word($0.description) }))) }
    return .mapping(members)
  }
}

extension PacketEffect {
  var tree: YamlTree {
    var members: [YamlTree.Member] = []
    func add(_ key: String, _ text: String?) {
      if let text { members.append(.init(key, .word(text))) }
    }
    if let loss { members.append(.init("loss", loss.tree)) }
    add("delay", delay?.text)
    add("jitter", jitter?.text)
    add("distribution", distribution?.rawValue)
    add("correlation", correlation?.description)
    add("reorder", reorder?.description)
    add("duplicate", duplicate?.description)
    add("corrupt", corrupt?.description)
    add("rate", rate?.description)
    add("burst", burst?.description)
    add("queue", queue?.description)
    return .mapping(members)
  }
}

extension PacketLoss {
  var tree: YamlTree {
    func member(_ key: String, _ share: Percentage) -> YamlTree.Member { .init(key, .word(share.description)) }
    switch self {
    case .random(let share, correlation: nil): return .word(share.description)
    case .random(let share, let correlation?):
      return .mapping([member("random", share), member("correlation", correlation)])
    case .bursts(let enter, let leave, let inside, let outside):
      let bursts = [
        member("enter", enter), member("leave", leave), member("inside", inside), member("outside", outside),
      ]
      return .mapping([.init("bursts", .mapping(bursts))])
    case .every(let count): return .mapping([.init("every", .word("\(count)"))])
    case .exact(let share): return .mapping([member("exact", share)])
    }
  }
}
