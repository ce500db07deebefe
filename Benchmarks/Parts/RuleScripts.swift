internal import Faults
internal import Netlink
internal import Support

/// The rules of a fault, word for word those that the agents make, for other tools. None of them can tie a rule to the
/// life of a process, so the table has no owner; element timeouts stand where the tool has them.
struct RuleScripts: Sendable {
  /// Where input files are written.
  var workspace: String

  private static let nft = "/usr/sbin/nft"
  private static let ipset = "/usr/sbin/ipset"
  private static let lifeSeconds = 60

  /// The tools that are installed, by name; with those that are not.
  static let available: (present: [Tool], absent: [Tool]) = {
    let present = Tool.allCases.filter { $0.programs.allSatisfy(Program.isInstalled) }
    return (present, Tool.allCases.filter { !present.contains($0) })
  }()

  /// A way to make the rules with programs.
  enum Tool: String, CaseIterable, Sendable {
    case nft = "nft -f -"
    case restore = "iptables-restore, ip6tables-restore"
    case ipset = "ipset, iptables, ip6tables"
    case iptables = "iptables, ip6tables"

    var programs: [String] {
      switch self {
      case .nft: [RuleScripts.nft]
      case .restore: IPAddress.Family.allCases.map { "\($0.iptables)-restore" }
      case .ipset: [RuleScripts.ipset] + IPAddress.Family.allCases.map(\.iptables)
      case .iptables: IPAddress.Family.allCases.map(\.iptables)
      }
    }
  }

  func script(_ tool: Tool, _ fault: Fault) throws -> ProgramMaker.Script {
    switch tool {
    case .nft: try nft(fault)
    case .restore: try restore(fault)
    case .ipset: ipset(fault)
    case .iptables: iptables(fault)
    }
  }

  // MARK: One process a node

  private func nft(_ fault: Fault) throws -> ProgramMaker.Script {
    let table = "inet other_\(fault.id)"
    var sets: [String] = []
    var rules: [String] = []
    for family in families(of: fault) {
      let peers = peers(of: fault, family)
      let elements = peers.map { "\($0) timeout \(Self.lifeSeconds)s" }.joined(separator: ", ")
      sets.append(
        "set peers_\(family) { type ip\(family)_addr; flags timeout; size \(max(16, 2 * peers.count)); "
          + "elements = { \(elements) } }")
      if family == .v6 { rules.append("icmpv6 type 133-137 accept") }
      rules.append("\(family == .v4 ? "ip" : "ip6") saddr @peers_\(family) counter drop")
    }
    let chain =
      "chain in { type filter hook prerouting priority -300; policy accept; \(rules.joined(separator: "; ")); }"
    let arm = try input(fault, "nft-arm", "table \(table) {\n\(sets.joined(separator: "\n"))\n\(chain)\n}\n")
    let disarm = try input(fault, "nft-disarm", "delete table \(table)\n")
    return .init(
      arm: [Program(path: Self.nft, arguments: ["-f", "-"], input: arm)],
      disarm: [Program(path: Self.nft, arguments: ["-f", "-"], input: disarm)])
  }

  // MARK: One process a family

  private func restore(_ fault: Fault) throws -> ProgramMaker.Script {
    func programs(_ action: String) throws -> [Program] {
      try families(of: fault).map { family in
        var lines = rules(fault, family).map { "\(action) PREROUTING \($0.joined(separator: " "))" }
        // It looks each rule up among all: thousands are cleared away at once.
        if action == "-D", lines.count > 100 { lines = ["-F PREROUTING"] }
        let text = "*raw\n\(lines.joined(separator: "\n"))\nCOMMIT\n"
        return Program(
          path: "\(family.iptables)-restore", arguments: ["--noflush"],
          input: try input(fault, "restore\(action)-\(family)", text))
      }
    }
    return .init(arm: try programs("-A"), disarm: try programs("-D"))
  }

  // MARK: One process a rule

  private func iptables(_ fault: Fault) -> ProgramMaker.Script {
    func programs(_ action: String) -> [Program] {
      families(of: fault).flatMap { family in
        rules(fault, family).map { rule in
          Program(path: family.iptables, arguments: ["-w", "-t", "raw", action, "PREROUTING"] + rule)
        }
      }
    }
    return .init(arm: programs("-A"), disarm: programs("-D"))
  }

  private func ipset(_ fault: Fault) -> ProgramMaker.Script {
    var script = ProgramMaker.Script(arm: [], disarm: [])
    for family in families(of: fault) {
      let set = "\(fault.id)_\(family)"
      func sets(_ arguments: String...) -> Program { Program(path: Self.ipset, arguments: arguments) }
      func rules(_ action: String) -> [Program] {
        (neighbourDiscovery(family) + [["-m", "set", "--match-set", set, "src", "-j", "DROP"]]).map {
          Program(path: family.iptables, arguments: ["-w", "-t", "raw", action, "PREROUTING"] + $0)
        }
      }
      script.arm.append(
        sets("create", set, "hash:ip", "family", family == .v4 ? "inet" : "inet6", "timeout", "\(Self.lifeSeconds)"))
      script.arm += peers(of: fault, family).map { sets("add", set, "\($0)") }
      script.arm += rules("-A")
      script.disarm += rules("-D") + [sets("destroy", set)]
    }
    return script
  }

  // MARK: -

  /// One rule a peer, as tools without sets have it.
  private func rules(_ fault: Fault, _ family: IPAddress.Family) -> [[String]] {
    neighbourDiscovery(family) + peers(of: fault, family).map { ["-s", "\($0)", "-j", "DROP"] }
  }

  /// IPv6's equivalent of ARP passes, as with our own rules; iptables has no range of types.
  private func neighbourDiscovery(_ family: IPAddress.Family) -> [[String]] {
    family == .v4 ? [] : (133...137).map { ["-p", "icmpv6", "--icmpv6-type", "\($0)", "-j", "ACCEPT"] }
  }

  private func families(of fault: Fault) -> [IPAddress.Family] {
    IPAddress.Family.allCases.filter { !peers(of: fault, $0).isEmpty }
  }

  private func peers(of fault: Fault, _ family: IPAddress.Family) -> [IPAddress] {
    fault.targets.peers.filter { $0.family == family }
  }

  private func input(_ fault: Fault, _ what: String, _ text: String) throws -> String {
    let path = "\(workspace)/\(fault.id)-\(fault.node)-\(what)"
    try writeFile(path, Array(text.utf8))
    return path
  }
}

extension IPAddress.Family {
  /// The program that edits this family's rules.
  fileprivate var iptables: String { self == .v4 ? "/usr/sbin/iptables" : "/usr/sbin/ip6tables" }
}
