public import Faults
internal import Glibc
public import Support

/// Which program is at an end of the stream. Its shape never changes, so that any two versions can tell each other apart.
public struct ProgramIdentity: Sendable, Hashable, Codable, CustomStringConvertible {
  /// The version of the messages.
  public static let currentProtocol = 2

  /// The version of the messages that it speaks.
  public var speaks: Int
  /// Its version.
  public var version: String
  /// First digits of the SHA-256 of its executable.
  public var build: String
  /// The kind of machine that it is built for: `x86_64`. Builds are compared only within one kind.
  public var machine: String

  /// A program from its parts.
  public init(speaks: Int = currentProtocol, version: String, build: String, machine: String) {
    self.speaks = speaks
    self.version = version
    self.build = build
    self.machine = machine
  }

  /// This program.
  ///
  /// - Throws: `SystemError` when its executable cannot be read.
  public static func current() throws(SystemError) -> ProgramIdentity {
    var name = utsname()
    uname(&name)
    let machine = withUnsafeBytes(of: name.machine) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    return ProgramIdentity(version: Version.number, build: try Version.build(), machine: machine)
  }

  /// Why two programs must not work together; `nil` when they may.
  public func disagreement(with other: ProgramIdentity) -> String? {
    if speaks != other.speaks { return "it speaks version \(speaks) of the agents' protocol, this is \(other.speaks)" }
    if version != other.version { return "it is version \(version), this is \(other.version)" }
    if machine == other.machine, build != other.build {
      return "it is another build of version \(version): \(build), this is \(other.build)"
    }
    return nil
  }

  /// `0.1.0 (1f3a9c00d2e4, x86_64)`.
  public var description: String { "\(version) (\(build), \(machine))" }
}

/// What a controller wants of an agent, said once at the beginning.
public struct AgentOrder: Sendable, Hashable, Codable {
  /// The node's name.
  public var node: String
  /// The run's short id, part of the names of all that is made.
  public var run: String
  /// After so long without a word from the controller all faults end (ns).
  public var leaseNanoseconds: Int64
  /// Whether the clock of the whole node may be set.
  public var permitsNodeClock: Bool

  /// An order from its parts.
  public init(
    node: String, run: String, lease: Duration, permitsNodeClock: Bool = false
  ) {
    self.node = node
    self.run = run
    leaseNanoseconds = lease.nanoseconds
    self.permitsNodeClock = permitsNodeClock
  }
}

/// What a controller says.
public enum ControllerMessage: Sendable, Hashable, Codable {
  /// Who it is: the first message.
  case hello(ProgramIdentity)
  /// What it wants: the second, once it knows whom it speaks to.
  case begin(AgentOrder)
  /// A request; any number may be under way at a time.
  case ask(id: UInt64, AgentRequest)
  /// It is still there.
  case ping(id: UInt64)
  /// It needs nothing more: end all faults, and say what is left.
  case goodbye
}

/// What an agent says.
public enum AgentMessage: Sendable, Hashable, Codable {
  /// Who it is: the first message.
  case hello(ProgramIdentity)
  /// It does not serve, and why: the last message.
  case refused(String)
  /// It serves.
  case ready(AgentIsReady)
  /// The answer to a request.
  case reply(id: UInt64, AgentReply)
  /// A request came to nothing.
  case failed(id: UInt64, AgentFailure)
  /// It is still there. Its monotonic clock (ns).
  case pong(id: UInt64, clock: Int64)
  /// Something happened to a held fault.
  case event(FaultEvent)
  /// Something happened to what outlives the agent, in words.
  case note(String)
  /// All faults have ended; what is left on the node, in words. The last message.
  case closed(left: [String])
}

/// That an agent serves.
public struct AgentIsReady: Sendable, Hashable, Codable {
  /// Its process.
  public var process: ProcessIdentity
  /// The machine's own name.
  public var host: String
  /// Where its connection comes from, where that can be told (`SSH_CONNECTION`, sshd(8)).
  public var peer: String?
  /// Where it keeps its undo journal; `blackstart recover` on the node needs the same.
  public var stateDirectory: String

  /// What an agent says of itself.
  public init(process: ProcessIdentity, host: String, peer: String?, stateDirectory: String) {
    self.process = process
    self.host = host
    self.peer = peer
    self.stateDirectory = stateDirectory
  }
}

/// Why a request came to nothing.
public enum AgentFailure: Error, Sendable, Hashable, Codable, CustomStringConvertible {
  /// A fault was not made, or not ended.
  case fault(FaultError)
  /// Anything else, in words.
  case other(String)

  /// From what was thrown.
  init(_ error: any Error) {
    self =
      if let error = error as? AgentFailure { error } else if let error = error as? FaultError { .fault(error) } else {
        .other("\(error)")
      }
  }

  /// For people.
  public var description: String {
    switch self {
    case .fault(let error): "\(error)"
    case .other(let text): text
    }
  }
}

/// A message as the bytes of a frame.
///
/// - Throws: ``FrameError/tooLong(bytes:)``.
func framed(_ message: some Encodable) throws(FrameError) -> [UInt8] {
  let content: [UInt8]
  do { content = try encodeJSON(message) } catch { throw .unreadable("\(error)") }
  return try Frame.bytes(of: content)
}

extension FrameReader {
  /// The next message; `nil`: more must come first.
  mutating func nextMessage<Message: Decodable>(_ type: Message.Type) throws(FrameError) -> Message? {
    guard let content = try next() else { return nil }
    do { return try decodeJSON(type, from: content) } catch {
      throw .unreadable("\(String("\(error)".prefix(200)))")
    }
  }
}
