internal import CSSL
internal import Glibc
internal import Support

/// What sessions of one side have in common: versions, certificates, authorities.
///
/// proof of `Sendable`: OpenSSL counts references to a context under its own lock, and nobody changes it after its init.
final class TLSContext: @unchecked Sendable {
  fileprivate let context: OpaquePointer
  fileprivate let isServer: Bool

  /// For those who come: the guard shows `identity`, and they a certificate of `authorities`, where those are given.
  init(showing identity: TLSIdentity, demanding authorities: String?) throws(Problem) {
    context = try Self.make(TLS_server_method())
    isServer = true
    try show(identity)
    guard let authorities else { return }
    try trust(authorities)
    // Clients choose their certificate by the names that they are told.
    SSL_CTX_set_client_CA_list(context, SSL_load_client_CA_file(authorities))
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nil)
  }

  /// For what stands behind: it shows a certificate of `authorities`, and the guard `identity`, where that is given.
  init(trusting authorities: String, showing identity: TLSIdentity?) throws(Problem) {
    context = try Self.make(TLS_client_method())
    isServer = false
    if authorities == "system" {
      guard SSL_CTX_set_default_verify_paths(context) == 1 else {
        throw Self.problem("system", "the machine's certificate authorities cannot be read")
      }
    } else {
      try trust(authorities)
    }
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nil)
    if let identity { try show(identity) }
  }

  deinit { SSL_CTX_free(context) }

  private static func make(_ method: OpaquePointer?) throws(Problem) -> OpaquePointer {
    ERR_clear_error()
    guard let context = SSL_CTX_new(method), bs_ssl_at_least_1_2(context) == 1 else {
      throw problem("OpenSSL", "TLS cannot be used")
    }
    // A session taken up again would not be judged by authorities that were read since.
    bs_ssl_plain_sessions(context)
    bs_ssl_partial_writes(context)
    // A key with a passphrase would be asked for on the terminal.
    SSL_CTX_set_default_passwd_cb(context) { _, _, _, _ in 0 }
    return context
  }

  private func trust(_ authorities: String) throws(Problem) {
    guard SSL_CTX_load_verify_locations(context, authorities, nil) == 1 else {
      throw Self.problem(authorities, "the certificate authorities cannot be read")
    }
  }

  private func show(_ identity: TLSIdentity) throws(Problem) {
    try Self.checkAccess(to: identity.key)
    guard SSL_CTX_use_certificate_chain_file(context, identity.certificate) == 1 else {
      throw Self.problem(identity.certificate, "the certificate cannot be read")
    }
    guard SSL_CTX_use_PrivateKey_file(context, identity.key, SSL_FILETYPE_PEM) == 1 else {
      throw Self.problem(
        identity.key, "the key cannot be read, or is not that of \(identity.certificate)",
        fix: "give the certificate's own key, in PEM and without a passphrase: a guard starts by itself")
    }
  }

  /// As PostgreSQL has it: a key belongs to the one who uses it and to nobody else, or to root, who may let a group read it.
  private static func checkAccess(to key: String) throws(Problem) {
    var facts = stat()
    guard stat(key, &facts) == 0 else {
      throw Problem(.usage, at: key, "the key cannot be read: \(errnoText(errno)); nothing was started")
    }
    let forbidden: mode_t = facts.st_uid == 0 ? 0o027 : 0o077
    guard facts.st_uid == 0 || facts.st_uid == geteuid(), facts.st_mode & forbidden == 0 else {
      throw Problem(
        .usage, at: key, "the key can be read or written by others; nothing was started",
        fix: "chmod 600 it, and give it to the user that the guard runs as")
    }
  }

  private static func problem(_ path: String, _ what: String, fix: String? = nil) -> Problem {
    Problem(
      .usage, at: path, "\(what): \(TLSSession.takeReason() ?? "no reason is given"); nothing was started", fix: fix)
  }
}

/// TLS over one non-blocking socket. Belongs to one thread at a time.
///
/// It reads from the socket what it gives out and no byte more, as long as ``read(into:)`` gets room for a whole record: so what
/// a poller says of the socket holds for the session as well.
final class TLSSession {
  enum HandshakeState: Equatable {
    case done
    /// When the socket can be read, or written.
    case waits(forWriting: Bool)
    /// The other side left in the middle.
    case closed
    case failed(String)
  }

  /// The largest record's content.
  static let recordBytes = 16 << 10

  private let session: OpaquePointer
  private let isServer: Bool
  /// Kept open for as long as the session stands.
  private let socket: Descriptor
  /// Whether the last read, that had to wait, waits until the socket can be *written*.
  private(set) var readWaitsForWriting = false
  /// Whether the last write, that had to wait, waits until the socket can be *read*.
  private(set) var writeWaitsForReading = false
  /// Why it broke, when it did otherwise than by the connection's end.
  private(set) var failure: String?

  /// - Parameter name: what the other side's certificate must bear, a name or a numeric address; `nil` for clients.
  init(_ context: TLSContext, _ socket: Descriptor, name: String?) throws(SystemError) {
    guard let session = SSL_new(context.context) else { throw SystemError("SSL_new", number: ENOMEM) }
    self.session = session
    self.socket = socket
    isServer = context.isServer
    var isReady = SSL_set_fd(session, socket.number) == 1
    if isServer { SSL_set_accept_state(session) } else { SSL_set_connect_state(session) }
    if let name, isReady, X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), name) != 1 {
      SSL_set_hostflags(session, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS))
      isReady = SSL_set1_host(session, name) == 1 && bs_ssl_indicate(session, name) == 1
    }
    guard isReady else {
      SSL_free(session)
      throw SystemError("SSL_set1_host", name ?? "", number: EINVAL)
    }
  }

  deinit { SSL_free(session) }

  /// Goes on with the handshake, as far as the socket lets it.
  func shakeHands() -> HandshakeState {
    ERR_clear_error()
    let result = SSL_do_handshake(session)
    if result == 1 { return .done }
    let number = errno
    switch SSL_get_error(session, result) {
    case SSL_ERROR_WANT_READ: return .waits(forWriting: false)
    case SSL_ERROR_WANT_WRITE: return .waits(forWriting: true)
    case SSL_ERROR_SYSCALL where number != 0 && number != ECONNRESET && number != EPIPE:
      return .failed(errnoText(number))
    case SSL_ERROR_SSL:
      let why = Self.takeReason(isServer: isServer)
      let verdict = SSL_get_verify_result(session)
      if verdict != X509_V_OK, let text = X509_verify_cert_error_string(verdict) {
        return .failed("the certificate shown is refused: \(String(cString: text))")
      }
      return why.map { .failed($0) } ?? .closed
    default: return .closed
    }
  }

  /// Reads as `recv` does: 0 at the end that the other side has declared, −1 with `errno`, EAGAIN for nothing yet. An end that
  /// nobody has declared is ECONNRESET.
  ///
  /// - Parameter buffer: with room for ``recordBytes`` at least.
  func read(into buffer: inout [UInt8]) -> Int {
    precondition(buffer.count >= Self.recordBytes, "\(buffer.count) bytes of room for a record")
    ERR_clear_error()
    readWaitsForWriting = false
    let (count, number) = buffer.withUnsafeMutableBytes { bytes in
      (SSL_read(session, bytes.baseAddress, Int32(clamping: bytes.count)), errno)
    }
    if count > 0 { return Int(count) }
    switch SSL_get_error(session, count) {
    case SSL_ERROR_WANT_READ: errno = EAGAIN
    case SSL_ERROR_WANT_WRITE:
      readWaitsForWriting = true
      errno = EAGAIN
    case SSL_ERROR_ZERO_RETURN: return 0
    case SSL_ERROR_SYSCALL: errno = number == 0 ? ECONNRESET : number
    default: fail()
    }
    return -1
  }

  /// Writes as `send` does. What came to nothing with EAGAIN must be written again, from its beginning.
  func write(_ bytes: UnsafeRawBufferPointer) -> Int {
    guard !bytes.isEmpty else { return 0 }
    ERR_clear_error()
    writeWaitsForReading = false
    let count = SSL_write(session, bytes.baseAddress, Int32(clamping: bytes.count))
    let number = errno
    if count > 0 { return Int(count) }
    switch SSL_get_error(session, count) {
    case SSL_ERROR_WANT_WRITE: errno = EAGAIN
    case SSL_ERROR_WANT_READ:
      writeWaitsForReading = true
      errno = EAGAIN
    case SSL_ERROR_SYSCALL: errno = number == 0 ? EPIPE : number
    default: fail()
    }
    return -1
  }

  /// Tells the other side that nothing more comes, as far as the socket takes that now.
  func finish() {
    guard failure == nil, SSL_is_init_finished(session) == 1 else { return }
    ERR_clear_error()
    SSL_shutdown(session)
  }

  private func fail() {
    let reason = Self.takeReason(isServer: isServer)
    failure = failure ?? reason
    errno = reason == nil ? ECONNRESET : EPROTO
  }

  /// What OpenSSL says went wrong; `nil` when the other side left.
  fileprivate static func takeReason(isServer: Bool = false) -> String? {
    let code = ERR_get_error()
    ERR_clear_error()
    switch bs_ssl_reason(code) {
    case SSL_R_UNEXPECTED_EOF_WHILE_READING: return nil
    // What the beginning of something else looks like.
    case SSL_R_WRONG_VERSION_NUMBER, SSL_R_HTTP_REQUEST, SSL_R_HTTPS_PROXY_REQUEST, SSL_R_RECORD_LENGTH_MISMATCH,
      SSL_R_PACKET_LENGTH_TOO_LONG, SSL_R_BAD_RECORD_TYPE, SSL_R_UNKNOWN_PROTOCOL, SSL_R_LENGTH_MISMATCH:
      return isServer ? "the client does not speak TLS" : "it does not speak TLS"
    default:
      guard code != 0, let text = ERR_reason_error_string(code) else { return code == 0 ? nil : "error \(code)" }
      return String(cString: text)
    }
  }
}
