/// A certificate and its key, each a file in PEM.
public struct TLSIdentity: Sendable, Hashable {
  /// The certificate, and behind it those that it was issued by.
  public var certificate: String
  /// Its key, which nobody but the guard may read.
  public var key: String

  /// An identity by its files.
  public init(certificate: String, key: String) {
    self.certificate = certificate
    self.key = key
  }
}

/// How a guard speaks TLS (1.2 or later) with those who come to it, and with what it stands before.
public struct TLSSettings: Sendable, Hashable {
  /// With those who come.
  public struct Listener: Sendable, Hashable {
    /// What the guard shows them.
    public var identity: TLSIdentity
    /// The authorities, a file in PEM, one of which must have issued a certificate of theirs; `nil`: they need none.
    public var clientAuthorities: String?

    /// TLS with those who come.
    public init(identity: TLSIdentity, clientAuthorities: String? = nil) {
      self.identity = identity
      self.clientAuthorities = clientAuthorities
    }
  }

  /// With what stands behind the guard.
  public struct Upstream: Sendable, Hashable {
    /// The authorities, a file in PEM, one of which must have issued its certificate; `system` for those of the machine.
    public var authorities: String
    /// The name or address that its certificate must bear; `nil`: the host to which the guard connects, as it was given.
    public var name: String?
    /// What the guard shows; `nil`: nothing.
    public var identity: TLSIdentity?

    /// TLS with what stands behind.
    public init(authorities: String, name: String? = nil, identity: TLSIdentity? = nil) {
      self.authorities = authorities
      self.name = name
      self.identity = identity
    }
  }

  /// `nil`: clients speak in clear.
  public var listener: Listener?
  /// `nil`: the guard speaks in clear with what stands behind it.
  public var upstream: Upstream?

  /// TLS on one side or both.
  public init(listener: Listener? = nil, upstream: Upstream? = nil) {
    self.listener = listener
    self.upstream = upstream
  }
}
