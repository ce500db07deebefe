internal import CKernel
internal import Glibc
public import Support

/// A host and a port as a person writes them: `10.0.0.1:9092`, `[fd00::1]:9092`, `broker-1.example:9092`.
public struct Endpoint: Sendable, Hashable, CustomStringConvertible {
  /// Name or address, without brackets.
  public var host: String
  /// 0 to 65535; 0 lets the kernel choose one to listen on.
  public var port: UInt16

  /// Reads an endpoint.
  ///
  /// - Throws: ``Problem`` (usage) for text without host or without port: a guard listens where it is told to, and nowhere else.
  public init(_ text: String) throws(Problem) {
    let colon = text.lastIndex(of: ":")
    let head = colon.map { String(text[..<$0]) } ?? ""
    let isBracketed = head.hasPrefix("[") && head.hasSuffix("]")
    let name = isBracketed ? String(head.dropFirst().dropLast()) : head
    guard let colon, let port = UInt16(text[text.index(after: colon)...]), !name.isEmpty,
      isBracketed || !name.contains(":")
    else {
      throw Problem(
        .usage, "'\(text)' is no address with a port", fix: "write HOST:PORT, such as 10.0.0.1:9092 or [fd00::1]:9092")
    }
    host = name
    self.port = port
  }

  /// An endpoint by its parts.
  public init(host: String, port: UInt16) {
    self.host = host
    self.port = port
  }

  /// As it is written.
  public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

  /// The same with a numeric host. May block for as long as the resolver takes.
  func resolved() throws(Problem) -> Endpoint {
    var address = [CChar](repeating: 0, count: 64)
    let code = bs_resolve(host, String(port), &address, Int32(address.count))
    guard code == 0 else {
      throw Problem(
        .usage, at: description, "the host cannot be resolved: \(String(cString: bs_resolve_error(code)))",
        fix: "check the name, or give an address")
    }
    return Endpoint(
      host: String(decoding: address.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self), port: port)
  }

  /// A socket that listens here, non-blocking. The host must be numeric.
  func listen() throws(Problem) -> Descriptor {
    let number = bs_listen(host, String(port), 512)
    guard number >= 0 else {
      throw Problem(
        .usage, at: description, "cannot listen here: \(errnoText(errno)); nothing was started",
        fix: "give an address of this machine and a port that is free")
    }
    return Descriptor(number)
  }

  /// This endpoint with the port that `socket` got.
  func bound(_ socket: Descriptor) -> Endpoint { Endpoint(host: host, port: UInt16(bs_bound_port(socket.number))) }

  /// A socket that has begun to connect, non-blocking; `nil` when the kernel refused at once.
  func beginConnecting() -> Descriptor? {
    let number = bs_connect(host, String(port))
    return number >= 0 ? Descriptor(number) : nil
  }
}
