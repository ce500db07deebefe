internal import Support

/// One HTTP request as it leaves, with nothing left to fill in.
public struct HTTPRequest: Sendable {
  /// The method, such as `GET`.
  public var method: String
  /// The whole address, `http:` or `https:`.
  public var url: String
  /// Header fields, in order.
  public var headers: [(name: String, value: String)]
  /// The body; `nil`: none.
  public var body: [UInt8]?
  /// The certificates of those who may vouch for an `https:` address, a file in PEM form; `nil`: this machine's own.
  public var authorities: String?

  /// A request from its parts.
  public init(
    method: String = "GET", url: String, headers: [(name: String, value: String)] = [], body: [UInt8]? = nil
  ) {
    self.method = method
    self.url = url
    self.headers = headers
    self.body = body
  }
}

/// How a request ended.
public enum HTTPOutcome: Sendable, Hashable {
  /// The whole answer.
  case answered(status: Int, body: [UInt8])
  /// None, and why.
  case failed(String)
}

/// Sends one request and waits for the whole answer, on a thread of its own; redirects are not followed, proxies not used.
///
/// - Parameters:
///   - limit: the longest it may take. Cancellation does not shorten it.
///   - networkNamespace: descriptor of the namespace that its socket opens in.
/// - Throws: ``SystemError`` when the thread cannot be made.
public func sendHTTP(
  _ request: HTTPRequest, within limit: Duration, networkNamespace: Int32? = nil
) async throws -> HTTPOutcome {
  let request = request
  return try await onOwnThread("http", networkNamespace: networkNamespace) {
    try CurlHandle().send(request, within: limit)
  }
}

/// An answer of which only the beginning is kept.
public struct HTTPBeginning: Sendable, Hashable {
  /// The status and the beginning of the body, or why there is no whole answer.
  public var outcome: HTTPOutcome
  /// How many bytes the whole body has.
  public var bytes: Int
}

/// Sends one request and waits for the whole answer as ``sendHTTP(_:within:networkNamespace:)`` does, but keeps no more than the
/// beginning of its body, however long that is, and ends within about a second of the cancellation of its task.
///
/// - Parameters:
///   - kept: how many bytes of the body are kept.
///   - limit: the longest it may take. A name that is still being looked up by then is left to itself.
/// - Throws: ``SystemError`` when the thread cannot be made.
public func sendHTTP(_ request: HTTPRequest, keeping kept: Int, within limit: Duration) async throws -> HTTPBeginning {
  let request = request
  return try await onOwnThread("http") {
    let handle = try CurlHandle()
    let outcome = handle.send(request, within: limit, keeping: kept)
    return HTTPBeginning(outcome: outcome, bytes: handle.bodyBytes)
  }
}

/// `text` as part of a query in an address: everything but letters, digits and `-._~` as `%XX` (RFC 3986).
public func percentEncoded(_ text: String) -> String {
  let digits = Array("0123456789ABCDEF")
  return text.utf8.reduce(into: "") { result, byte in
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
      result.append(Character(UnicodeScalar(byte)))
    default: result += "%\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
    }
  }
}
