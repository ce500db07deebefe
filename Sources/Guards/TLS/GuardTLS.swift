public import Support
internal import Synchronization

/// The TLS of a guard, from its files as they were when they were read last.
public final class GuardTLS: Sendable {
  private struct Contexts {
    var listener: TLSContext?
    var upstream: TLSContext?
  }

  private let settings: TLSSettings
  private let contexts: Mutex<Contexts>

  /// Reads the files.
  ///
  /// - Throws: ``Problem`` (usage) naming the file that is missing, open to others, damaged, or does not fit the other.
  public init(_ settings: TLSSettings) throws(Problem) {
    self.settings = settings
    contexts = Mutex(try Self.read(settings))
  }

  /// Reads the files again, for connections that come from now on; those that stand keep what they have.
  ///
  /// - Throws: ``Problem`` as at the start; everything is as it was then.
  public func reload() throws(Problem) {
    let fresh = try Self.read(settings)
    contexts.withLock { $0 = fresh }
  }

  private static func read(_ settings: TLSSettings) throws(Problem) -> Contexts {
    var contexts = Contexts()
    if let listener = settings.listener {
      contexts.listener = try TLSContext(showing: listener.identity, demanding: listener.clientAuthorities)
    }
    if let upstream = settings.upstream {
      contexts.upstream = try TLSContext(trusting: upstream.authorities, showing: upstream.identity)
    }
    return contexts
  }

  /// Whether clients speak TLS.
  var listens: Bool { settings.listener != nil }

  /// A session with a client that has come over `socket`; `nil` where clients speak in clear.
  func session(withClientOn socket: Descriptor) throws(SystemError) -> TLSSession? {
    guard let context = contexts.withLock({ $0.listener }) else { return nil }
    return try TLSSession(context, socket, name: nil)
  }

  /// A session with what stands behind, over `socket`; `nil` where that is spoken with in clear.
  ///
  /// - Parameter host: where the guard connects to, as it was given.
  func session(withUpstream host: String, on socket: Descriptor) throws(SystemError) -> TLSSession? {
    guard let context = contexts.withLock({ $0.upstream }) else { return nil }
    return try TLSSession(context, socket, name: settings.upstream?.name ?? host)
  }

  /// Refuses to send on in clear, to another machine, what came encrypted.
  ///
  /// - Parameter upstream: with a numeric host.
  func check(_ upstream: Endpoint) throws(Problem) {
    guard settings.listener != nil, settings.upstream == nil else { return }
    guard upstream.host.hasPrefix("127.") || upstream.host == "::1" else {
      throw Problem(
        .usage, at: "\(upstream)", "what comes encrypted would go on in clear to another machine; nothing was started",
        fix: "give --upstream-ca, or let it listen on a loopback address")
    }
  }
}
