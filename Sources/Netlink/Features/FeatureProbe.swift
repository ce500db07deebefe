internal import Glibc

/// Answers to be collected.
typealias FeatureAnswers = [KernelFeatures.Feature: KernelFeatures.Answer]

extension KernelFeatures.Answer {
  /// Turns a refusal into an answer; whatever else goes wrong is thrown.
  static func of(_ attempt: () throws(NetlinkError) -> Self) throws(NetlinkError) -> Self {
    do { return try attempt() } catch {
      guard let answer = Self(error) else { throw error }
      return answer
    }
  }

  /// The answer that a refusal is; `nil` for other failures.
  init?(_ error: NetlinkError) {
    switch error.errno {
    case nil: return nil
    case EPERM, EACCES: self = .notPermitted
    case .some(let number): self = .refused(errno: number)
    }
  }
}

extension KernelFeatures {
  /// Opens a queue that no rule fills, whose socket's end closes it.
  static func probePacketQueue(in namespace: NetworkNamespace) throws(NetlinkError) -> Answer {
    try .of { () throws(NetlinkError) in
      try PacketQueue(in: namespace).close()
      return .available
    }
  }

  /// Asks for the end of a connection that nobody has.
  static func probeSocketDestroy(in namespace: NetworkNamespace) throws(NetlinkError) -> Answer {
    try .of { () throws(NetlinkError) in
      let socket = try NetlinkSocket(.socketDiagnosis, in: namespace)
      defer { socket.close() }
      do throws(NetlinkError) {
        try socket.request(.init(call: "SOCK_DESTROY", object: .socket)) { (writer, sequence) throws(WireError) in
          try writer.message(type: 21, flags: 5, sequence: sequence) { writer in
            // struct inet_diag_req_v2: AF_INET, IPPROTO_TCP, no extensions, all states, then a socket without a cookie
            writer.raw([2, 6, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF])
            writer.raw([0, 1, 0, 1, 127, 0, 0, 1] + [UInt8](repeating: 0, count: 12))
            writer.raw([127, 0, 0, 1] + [UInt8](repeating: 0, count: 16))
            writer.raw([UInt8](repeating: 0xFF, count: 8))
          }
        }
      } catch {
        guard error.errno == ENOENT else { throw error }
      }
      return .available
    }
  }
}
