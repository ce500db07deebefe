internal import CCurl
internal import Glibc
internal import Support

/// How a connection is secured, and whom it trusts.
struct TLSSettings: Sendable, Hashable {
  /// Certificates of those who may vouch for the other side, a file in PEM form; `nil`: the machine's own.
  var authorities: String?
  /// Our own certificate and its key, files in PEM form.
  var certificate: String?
  var key: String?
  /// What opens the key. A secret: it goes nowhere but into the call that it is for.
  var keyPassword: String?
  /// Whether the certificate must be vouched for.
  var verifiesCertificate = true
  /// Whether it must be for the name that was connected to.
  var verifiesName = true
}

/// Why a connection did not come about, or broke.
enum ChannelFailure: Error, Sendable, Hashable {
  /// Nobody was reached.
  case unreachable(String)
  /// The other side did not prove that it is who it should be, or this one could not to it.
  case untrusted(Distrust)
  /// It took longer than it may.
  case timedOut(String)
  /// It broke after it stood.
  case broken(String)

  /// What was wrong about the certificates.
  enum Distrust: Sendable, Hashable {
    /// Of the other side: its time is over, or has not begun.
    case notValidNow(String)
    /// Nobody who is trusted vouches for it.
    case unknownAuthority(String)
    /// It is somebody else's.
    case otherName(String)
    /// Something about our own certificate, key or authorities.
    case ownFiles(String)
    /// The hand-shake failed otherwise: no common version, or no TLS on the other side.
    case handshake(String)
  }
}

/// One connection, in clear or over TLS, that carries whatever bytes it is given. It belongs to one thread; every call blocks it, for
/// its limit at most. Made with libcurl, whose checks of certificates are its own.
final class TLSChannel {
  private let handle: UnsafeMutableRawPointer
  /// libcurl writes its reason here; it lives as long as the handle.
  private let reason: UnsafeMutablePointer<CChar>
  private var descriptor: Int32 = -1

  /// Connects.
  ///
  /// - Parameters:
  ///   - address: `host:port`; an IPv6 host in brackets.
  ///   - tls: how it is secured; `nil`: not at all.
  /// - Throws: ``ChannelFailure``.
  init(to address: String, _ tls: TLSSettings?, within limit: Duration) throws(ChannelFailure) {
    guard let handle = curl_easy_init() else { throw .broken("out of memory") }
    self.handle = handle
    let room = Int(CURL_ERROR_SIZE)
    reason = .allocate(capacity: room)
    reason.initialize(repeating: 0, count: room)
    let milliseconds = Int(max(1, limit.milliseconds))
    _ = bs_curl_set_pointer(handle, CURLOPT_ERRORBUFFER, reason)
    _ = bs_curl_set_string(handle, CURLOPT_URL, "\(tls == nil ? "http" : "https")://\(address)")
    _ = bs_curl_set_long(handle, CURLOPT_CONNECT_ONLY, 1)
    _ = bs_curl_set_long(handle, CURLOPT_NOSIGNAL, 1)
    _ = bs_curl_set_long(handle, CURLOPT_TCP_NODELAY, 1)
    _ = bs_curl_set_string(handle, CURLOPT_PROXY, "")
    _ = bs_curl_set_long(handle, CURLOPT_CONNECTTIMEOUT_MS, milliseconds)
    _ = bs_curl_set_long(handle, CURLOPT_TIMEOUT_MS, milliseconds)
    if let tls { secure(tls) }
    let code = curl_easy_perform(handle)
    guard code == CURLE_OK else { throw failure(code) }
    var socket = curl_socket_t()
    guard bs_curl_get_socket(handle, &socket) == CURLE_OK, socket >= 0 else { throw .broken("the connection is gone") }
    descriptor = socket
  }

  deinit {
    curl_easy_cleanup(handle)
    reason.deallocate()
  }

  private func secure(_ tls: TLSSettings) {
    // What speaks here is no HTTP, and nothing of it is to be agreed on.
    _ = bs_curl_set_long(handle, CURLOPT_SSL_ENABLE_ALPN, 0)
    _ = bs_curl_set_long(handle, CURLOPT_SSL_VERIFYPEER, tls.verifiesCertificate ? 1 : 0)
    _ = bs_curl_set_long(handle, CURLOPT_SSL_VERIFYHOST, tls.verifiesName && tls.verifiesCertificate ? 2 : 0)
    if let file = tls.authorities { _ = bs_curl_set_string(handle, CURLOPT_CAINFO, file) }
    if let file = tls.certificate { _ = bs_curl_set_string(handle, CURLOPT_SSLCERT, file) }
    if let file = tls.key { _ = bs_curl_set_string(handle, CURLOPT_SSLKEY, file) }
    if let password = tls.keyPassword { _ = bs_curl_set_string(handle, CURLOPT_KEYPASSWD, password) }
  }

  /// Sends `request` and reads one answer, which begins with its length in four bytes, as Kafka's do.
  ///
  /// - Returns: the answer without its length.
  /// - Throws: ``ChannelFailure``; the connection is of no use then.
  func exchange(_ request: [UInt8], within limit: Duration) throws(ChannelFailure) -> [UInt8] {
    let deadline = Timebase.system.monotonic() + limit.nanoseconds
    var sent = 0
    while sent < request.count {
      var count = 0
      let code = request.withUnsafeBytes {
        curl_easy_send(handle, $0.baseAddress?.advanced(by: sent), $0.count - sent, &count)
      }
      sent += count
      if code == CURLE_AGAIN {
        try wait(for: POLLOUT, until: deadline)
      } else if code != CURLE_OK {
        throw failure(code)
      }
    }
    var read: [UInt8] = []
    var wanted = 4
    var buffer = [UInt8](repeating: 0, count: 16_384)
    while read.count < wanted {
      var count = 0
      let code = curl_easy_recv(handle, &buffer, buffer.count, &count)
      if code == CURLE_AGAIN {
        try wait(for: POLLIN, until: deadline)
        continue
      }
      guard code == CURLE_OK else { throw failure(code) }
      guard count > 0 else { throw .broken("the other side closed the connection before it answered") }
      read += buffer[..<count]
      if wanted == 4, read.count >= 4 {
        let length = read[..<4].reduce(0) { $0 << 8 | Int($1) }
        guard length <= 16 << 20 else { throw .broken("what answers there is no Kafka broker") }
        wanted = 4 + length
      }
    }
    return Array(read[4..<wanted])
  }

  private func wait(for events: Int32, until deadline: Int64) throws(ChannelFailure) {
    let left = (deadline - Timebase.system.monotonic()) / 1_000_000
    guard left > 0 else { throw .timedOut("no answer in time") }
    var entry = pollfd(fd: descriptor, events: Int16(events), revents: 0)
    guard poll(&entry, 1, Int32(clamping: left)) >= 0 || errno == EINTR else { throw .broken(errnoText(errno)) }
  }

  /// Which failure a code of libcurl's is. Of certificates OpenSSL's own number says more (`X509_V_ERR_…`).
  private func failure(_ code: CURLcode) -> ChannelFailure {
    let said = String(cString: reason)
    let text = said.isEmpty ? String(cString: curl_easy_strerror(code)) : said
    switch code {
    case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_CONNECT: return .unreachable(text)
    case CURLE_OPERATION_TIMEDOUT: return .timedOut(text)
    case CURLE_PEER_FAILED_VERIFICATION:
      var verified = 0
      _ = bs_curl_get_long(handle, CURLINFO_SSL_VERIFYRESULT, &verified)
      switch verified {
      case 0: return .untrusted(.otherName(text))
      case 9, 10: return .untrusted(.notValidNow(text))
      default: return .untrusted(.unknownAuthority(text))
      }
    case CURLE_SSL_CERTPROBLEM, CURLE_SSL_CACERT_BADFILE: return .untrusted(.ownFiles(text))
    case CURLE_SSL_CONNECT_ERROR: return .untrusted(.handshake(text))
    default: return .broken(text)
    }
  }
}
