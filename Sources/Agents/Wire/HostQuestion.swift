public import Netlink
internal import Support

/// A question that an agent asks somebody else, in its host's network, as a probe of the drill. It may hold secrets, so it goes into no
/// text but the message to the agent, and the agent keeps it no longer than it asks.
public struct HostQuestion: Sendable, Hashable, Codable {
  /// What is asked.
  public enum What: Sendable, Hashable, Codable {
    /// An HTTP request. Names are looked up on the host, whose own authorities vouch for `https:`.
    case http(method: String, url: String, headers: [Header], body: String?)
    /// That a connection is accepted.
    case tcp(IPAddress, port: UInt16)
  }

  /// A header field.
  public struct Header: Sendable, Hashable, Codable {
    /// Its name.
    public var name: String
    /// Its value.
    public var value: String

    /// A header field from its parts.
    public init(name: String, value: String) {
      self.name = name
      self.value = value
    }
  }

  /// What is asked.
  public var what: What
  /// The longest wait for the answer, on the host (ns).
  public var timeoutNanoseconds: Int64
  /// How many bytes of the answer's body are sent back at most.
  public var keptBytes: Int

  /// The most bytes of a body that are ever sent: heartbeats go through the same stream.
  public static let mostKeptBytes = 1 << 16
  /// No question takes longer.
  public static let longestTimeout: Duration = .seconds(3600)

  /// A question from its parts; its time and its body are within what is ever given.
  public init(_ what: What, within timeout: Duration, keeping keptBytes: Int = mostKeptBytes) {
    self.what = what
    timeoutNanoseconds = min(timeout, Self.longestTimeout).nanoseconds
    self.keptBytes = keptBytes
  }

  /// The longest wait for the answer, whatever the message says.
  public var timeout: Duration {
    min(.nanoseconds(max(1, timeoutNanoseconds)), Self.longestTimeout)
  }

  /// How many bytes of a body are sent, whatever the message says.
  public var kept: Int { min(max(0, keptBytes), Self.mostKeptBytes) }
}

extension HostQuestion: CustomStringConvertible, CustomDebugStringConvertible {
  /// Which kind, and nothing that may be secret.
  public var description: String {
    switch what {
    case .http(let method, _, _, _): "a question by HTTP (\(method))"
    case .tcp(let address, let port): "a connection to \(address) port \(port)"
    }
  }

  /// The same.
  public var debugDescription: String { description }
}

/// What a host was told.
public enum HostTold: Sendable, Hashable, Codable {
  /// A whole answer: its status, the beginning of its body as text, and how many bytes the body has of which so many are sent.
  case answered(status: Int, beginning: String, sentBytes: Int, ofBytes: Int)
  /// The connection was accepted.
  case connected
  /// It was not, and why.
  case refused(String)
  /// Nothing that could be judged, and why.
  case nothing(String)
}
