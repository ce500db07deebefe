public import Support

/// Which processes of a node are meant.
public struct ProcessSelector: Sendable, Hashable, Codable {
  /// How they are found.
  public enum Choice: Sendable, Hashable, Codable {
    /// This very process, and none that has its number later.
    case process(ProcessIdentity)
    /// The process that has this number when the fault is armed.
    case pid(Int32)
    /// Those whose command or program is called so.
    case name(String)
    /// Those of a systemd unit, such as `etcd.service`.
    case unit(String)
    /// Those in this control group or below it: its path from the root of the hierarchy, such as `/kafka.slice`.
    case cgroup(String)
    /// Those that listen on this TCP port in the node.
    case port(UInt16)
    /// Those that play this role in the lab: `store`, `etcd`, `control-plane`, `broker`, `mirror`.
    case role(String)
    /// All in the node's network namespace; refused for a whole machine.
    case everything
  }

  /// How they are found.
  public var choice: Choice
  /// Whether the descendants of those are meant too, however late they come.
  public var includesDescendants: Bool

  /// Processes by one property.
  public init(_ choice: Choice, includesDescendants: Bool = false) {
    self.choice = choice
    self.includesDescendants = includesDescendants
  }
}

extension ProcessSelector: CustomStringConvertible {
  /// `the processes that play store, with all their descendants`.
  public var description: String {
    let text =
      switch choice {
      case .process(let identity): "pid \(identity.pid) (started at tick \(identity.startTicks))"
      case .pid(let pid): "pid \(pid)"
      case .name(let name): "the processes called \(name)"
      case .unit(let unit): "the processes of unit \(unit)"
      case .cgroup(let path): "the processes of control group \(path)"
      case .port(let port): "the process that listens on TCP port \(port)"
      case .role(let role): "the process that plays \(role)"
      case .everything: "every process of the node"
      }
    return includesDescendants ? "\(text), with all descendants" : text
  }
}
