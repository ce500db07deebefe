internal import Faults
internal import Netlink

/// The commands that Chaos Mesh 2 runs in the namespace of a pod for a partition, in their order and number (26 for one
/// peer, counted from its sources: `pkg/chaosdaemon/{ipset,iptables,tc}_server.go`; each is two `execve` there, for it goes
/// through `nsexec`, and one here). IPv4 only, as there.
struct ChaosMeshScript {
  private static let iptables = "/usr/sbin/iptables"
  private static let ipset = "/usr/sbin/ipset"
  private static let ip = "/usr/sbin/ip"
  private static let tc = "/usr/sbin/tc"

  static let programs = [ip, tc, ipset, iptables]

  private let id: String
  private let peers: [IPAddress]

  init(_ fault: Fault) {
    id = fault.id
    peers = fault.targets.peers.filter { $0.family == .v4 }
  }

  var script: ProgramMaker.Script { .init(arm: sets + chains + queues, disarm: recovery) }

  /// A set of networks, one of networks with ports, and a list of both, each made beside its name and then given it.
  private var sets: [Program] {
    var programs: [Program] = []
    for (suffix, type) in [("net", "hash:net"), ("netport", "hash:net,port"), ("set", "list:set")] {
      let name = "\(id)_\(suffix)"
      programs.append(sets("create", "\(name)tmp", type))
      switch suffix {
      case "net": programs += peers.map { sets("add", "\(name)tmp", "\($0)/32") }
      case "set": programs += ["net", "netport"].map { sets("add", "\(name)tmp", "\(id)_\($0)") }
      default: break
      }
      programs.append(sets("rename", "\(name)tmp", name))
    }
    return programs
  }

  private var chains: [Program] {
    var programs: [Program] = []
    for (hook, chain) in [("INPUT", "CHAOS-INPUT"), ("OUTPUT", "CHAOS-OUTPUT")] {
      programs += [rules("-N", chain), rules("-S", hook), rules("-A", hook, "-j", chain), rules("-F", chain)]
    }
    let own = "\(id)_in"
    return programs + [
      rules("-N", own), rules("-F", own), rules("-S", "CHAOS-INPUT"), rules("-A", "CHAOS-INPUT", "-j", own),
      rules("-S", own), rules("-A", own, "-m", "set", "--match-set", "\(id)_set", "src", "-j", "DROP"),
    ]
  }

  /// It looks for interfaces and clears their queues first; there are none, which is an error that it passes over.
  private var queues: [Program] {
    [Program(path: Self.ip, arguments: ["-o", "link"])]
      + ["lo", "eth0"].map { device in
        Program(path: Self.tc, arguments: ["qdisc", "del", "dev", device, "root"], mayFail: true)
      }
  }

  /// What it does at the end of a fault leaves chains and sets behind; here they go too, or there were no second round.
  private var recovery: [Program] {
    var programs = [rules("-F", "CHAOS-INPUT"), rules("-F", "CHAOS-OUTPUT")]
    for (hook, chain) in [("INPUT", "CHAOS-INPUT"), ("OUTPUT", "CHAOS-OUTPUT")] {
      programs += [rules("-D", hook, "-j", chain), rules("-X", chain)]
    }
    programs += [rules("-F", "\(id)_in"), rules("-X", "\(id)_in")]
    return programs + ["set", "netport", "net"].map { sets("destroy", "\(id)_\($0)") }
  }

  private func sets(_ arguments: String...) -> Program { Program(path: Self.ipset, arguments: arguments) }

  private func rules(_ arguments: String...) -> Program {
    Program(path: Self.iptables, arguments: ["-w", "5"] + arguments)
  }
}
