internal import CKernel
internal import Glibc
internal import Support

/// One end of a proxied connection: a non-blocking socket, and TLS over it where that is spoken. Belongs to one thread.
final class Channel {
  let socket: Descriptor
  private let tls: TLSSession?
  private var handshake = TLSSession.HandshakeState.done

  init(_ socket: Descriptor, _ tls: TLSSession?) {
    self.socket = socket
    self.tls = tls
    if tls != nil { handshake = .waits(forWriting: false) }
  }

  var number: Int32 { socket.number }
  /// Whether bytes may be moved as they are, inside the kernel.
  var isPlain: Bool { tls == nil }
  /// Whether bytes may be read and written.
  var isReady: Bool { handshake == .done }
  /// Why TLS broke, when it did.
  var failure: String? { tls?.failure }

  /// Goes on with the handshake.
  func open() -> TLSSession.HandshakeState {
    if let tls, !isReady { handshake = tls.shakeHands() }
    return handshake
  }

  /// As `recv`.
  func read(into buffer: inout [UInt8]) -> Int {
    if let tls { return tls.read(into: &buffer) }
    return buffer.withUnsafeMutableBytes { recv(socket.number, $0.baseAddress, $0.count, 0) }
  }

  /// How many bytes the socket took; `nil` when the connection broke.
  func write(_ bytes: ArraySlice<UInt8>) -> Int? {
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes { buffer in
        let rest = UnsafeRawBufferPointer(rebasing: buffer[sent...])
        return tls?.write(rest) ?? send(socket.number, rest.baseAddress, rest.count, Int32(MSG_NOSIGNAL))
      }
      if count >= 0 {
        sent += count
      } else if errno == EAGAIN {
        break
      } else if errno != EINTR {
        return nil
      }
    }
    return sent
  }

  /// Ends the writing side.
  func shutWriting() {
    tls?.finish()
    shutdown(socket.number, Int32(SHUT_WR))
  }

  /// What a poller has to wait for.
  ///
  /// - Parameters:
  ///   - reading: whether something is to be read.
  ///   - writing: whether something is to be written.
  func events(reading: Bool, writing: Bool) -> UInt32 {
    if case .waits(let forWriting) = handshake { return UInt32(forWriting ? BS_WRITABLE : BS_READABLE) }
    var events: UInt32 = 0
    if reading { events |= UInt32(tls?.readWaitsForWriting == true ? BS_WRITABLE : BS_READABLE) }
    if writing { events |= UInt32(tls?.writeWaitsForReading == true ? BS_READABLE : BS_WRITABLE) }
    return events
  }
}

/// Makes writing to a connection that broke an error of this thread's calls, and no signal: `splice` and OpenSSL cannot be told so.
func blockBrokenPipeSignal() {
  var signals = sigset_t()
  sigemptyset(&signals)
  sigaddset(&signals, SIGPIPE)
  pthread_sigmask(SIG_BLOCK, &signals, nil)
}
