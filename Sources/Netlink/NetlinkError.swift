internal import Glibc

/// The kernel object that a request was about.
public enum NetlinkObject: Sendable, Hashable, Codable, CustomStringConvertible {
  /// An nf_tables table.
  case table(String)
  /// A chain of a table.
  case chain(table: String, name: String)
  /// A set of a table.
  case set(table: String, name: String)
  /// Elements of a set.
  case elements(table: String, set: String)
  /// A rule of a chain.
  case rule(table: String, chain: String)
  /// A network interface.
  case link(String)
  /// A queueing discipline or class of an interface.
  case discipline(String, link: String)
  /// An address of an interface.
  case address(String, link: String)
  /// A route.
  case route(String)
  /// A named network namespace.
  case namespace(String)
  /// A packet queue.
  case queue(UInt16)
  /// A connection or a listening socket.
  case connection(String)
  /// A listing.
  case dump(String)
  /// The socket itself, or a batch as a whole.
  case socket

  /// For people: `link "va"`.
  public var description: String {
    switch self {
    case .table(let name): "table \"\(name)\""
    case .chain(let table, let name): "chain \"\(table)/\(name)\""
    case .set(let table, let name): "set \"\(table)/\(name)\""
    case .elements(let table, let set): "elements of set \"\(table)/\(set)\""
    case .rule(let table, let chain): "rule of chain \"\(table)/\(chain)\""
    case .link(let name): "link \"\(name)\""
    case .discipline(let kind, let link): "queueing discipline \(kind) of link \"\(link)\""
    case .address(let address, let link): "address \(address) of link \"\(link)\""
    case .route(let route): "route \(route)"
    case .namespace(let name): "namespace \"\(name)\""
    case .queue(let number): "packet queue \(number)"
    case .connection(let what): "connection \(what)"
    case .dump(let what): "list of \(what)"
    case .socket: "netlink socket"
    }
  }
}

/// What went wrong between us and the kernel: the call, its errno, the kernel's own words, and the object concerned.
public struct NetlinkError: Error, Sendable, Hashable, Codable, CustomStringConvertible {
  /// The kind of failure.
  public enum Reason: Sendable, Hashable, Codable {
    /// The kernel refused; the number is its errno. Nothing of the request, or of its batch, was applied.
    case refused(errno: Int32)
    /// No answer came in time. Whether the request was applied is not known.
    case timedOut(afterMilliseconds: Int)
    /// The socket's buffer overran and answers were lost. Whether the request was applied is not known: list to find out.
    case overrun
    /// A listing changed under us on every try.
    case unstable(tries: Int)
    /// The kernel's answer, or our message, does not parse.
    case malformed(WireError)
    /// The name cannot be used; the text says why.
    case badName(String)
    /// The object is there only in part, such as a namespace whose maker was killed half-way.
    case incomplete(String)
    /// The socket was closed.
    case closed
  }

  /// The kind of failure.
  public var reason: Reason
  /// The call or message, such as `RTM_NEWLINK`, `setns`.
  public var call: String
  /// What the request was about.
  public var object: NetlinkObject
  /// The namespace it happened in, where that is known by name.
  public var namespace: String?
  /// The kernel's extended acknowledgement text, if it sent one.
  public var kernelText: String?
  /// The offset in the request that the kernel points at, if it does.
  public var offset: Int?

  /// Describes one failure.
  public init(
    _ reason: Reason, call: String, object: NetlinkObject, namespace: String? = nil, kernelText: String? = nil,
    offset: Int? = nil
  ) {
    self.reason = reason
    self.call = call
    self.object = object
    self.namespace = namespace
    self.kernelText = kernelText
    self.offset = offset
  }

  /// The errno, if the kernel refused.
  public var errno: Int32? {
    guard case .refused(let number) = reason else { return nil }
    return number
  }

  /// `RTM_NEWLINK link "va" in namespace "east": File exists (17), kernel says "…"`.
  public var description: String {
    let place = namespace.map { " in namespace \"\($0)\"" } ?? ""
    let words = kernelText.map { ", kernel says \"\($0)\"" } ?? ""
    // Other objects can be refused so because they are somebody else's.
    let right = errno == EPERM && object == .socket ? "; it needs CAP_NET_ADMIN: run as root" : ""
    return "\(call) \(object)\(place): \(reason.text)\(words)\(right)"
  }

  /// A refusal with the thread's errno; build it right after the call.
  static func last(_ call: String, _ object: NetlinkObject, namespace: String? = nil) -> NetlinkError {
    NetlinkError(.refused(errno: Glibc.errno), call: call, object: object, namespace: namespace)
  }
}

extension NetlinkError.Reason {
  var text: String {
    switch self {
    case .refused(let number): "\(errorText(number)) (\(number))"
    case .timedOut(let milliseconds): "no answer within \(milliseconds) ms; whether it was applied is not known"
    case .overrun: "the socket's buffer overran and answers were lost; whether it was applied is not known"
    case .unstable(let tries): "the list changed during each of \(tries) tries"
    case .malformed(let error): "malformed message: \(error)"
    case .badName(let why): "bad name: \(why)"
    case .incomplete(let what): what
    case .closed: "the socket is closed"
    }
  }
}

/// The C library's text for an errno.
func errorText(_ number: Int32) -> String {
  var buffer = [CChar](repeating: 0, count: 128)
  guard strerror_r(number, &buffer, buffer.count) == 0 else { return "error" }
  return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
}
