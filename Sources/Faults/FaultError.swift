public import Netlink

/// Why a fault was not made, or not ended.
public struct FaultError: Error, Sendable, Hashable, Codable, CustomStringConvertible {
  /// The kind of failure.
  public enum Reason: Sendable, Hashable, Codable {
    /// The fault itself is wrong; the text says what.
    case invalid(String)
    /// What was asked for cannot be made by this node; the text says what can.
    case unsupported(String)
    /// One of the peers is the control channel.
    case cutsControlChannel(IPAddress)
    /// A fault of that id is held already.
    case alreadyHeld
    /// No fault of that id is held.
    case notHeld
    /// The kernel refused.
    case kernel(NetlinkError)
    /// The kernel took the request, but what it shows afterwards is something else.
    case notAsAsked(String)
    /// Its end could not be promised for the case that this process dies.
    case cannotPromise(UndoError)
    /// Something on this machine is not to be had; the text says what.
    case system(String)
    /// The holder was closed.
    case closed
  }

  /// The kind of failure.
  public var reason: Reason
  /// The fault.
  public var fault: String
  /// Its node.
  public var node: String
  /// What state things are in now.
  public var state: String

  /// Describes a failure.
  public init(_ reason: Reason, fault: String, node: String, state: String = "nothing was changed") {
    self.reason = reason
    self.fault = fault
    self.node = node
    self.state = state
  }

  /// One line for people, with the state of things at its end.
  public var description: String {
    "fault \"\(fault)\" on node \"\(node)\": \(reason.text); \(state)"
  }
}

extension FaultError.Reason {
  var text: String {
    switch self {
    case .invalid(let what), .unsupported(let what): what
    case .cutsControlChannel(let address): "peer \(address) is exempt, because the control channel runs over it"
    case .alreadyHeld: "it is held already"
    case .notHeld: "it is not held here"
    case .kernel(let error): "\(error)"
    case .notAsAsked(let what): "the kernel shows something else than was asked for: \(what)"
    case .cannotPromise(let error): "\(error)"
    case .system(let what): what
    case .closed: "its holder is closed"
    }
  }
}
