/// An HTTP request, of a probe, a step or a message.
public struct HTTPCall: Sendable, Hashable, Codable {
  /// Methods.
  public enum Method: String, Sendable, Hashable, Codable, CaseIterable {
    /// Reads.
    case get = "GET"
    /// Reads without a body.
    case head = "HEAD"
    /// Does something.
    case post = "POST"
    /// Puts something in place.
    case put = "PUT"
    /// Changes something.
    case patch = "PATCH"
    /// Takes something away.
    case delete = "DELETE"
  }

  /// A header field.
  public struct Header: Sendable, Hashable, Codable {
    /// Its name.
    public var name: String
    /// Its value.
    public var value: Template

    /// A header field from its parts.
    public init(name: String, value: Template) {
      self.name = name
      self.value = value
    }
  }

  /// The method.
  public var method: Method
  /// `http:` or `https:`.
  public var url: Template
  /// Header fields in the order of the file.
  public var headers: [Header]
  /// The body; `nil`: none.
  public var body: Template?

  /// A request from its parts.
  public init(method: Method = .get, url: Template, headers: [Header] = [], body: Template? = nil) {
    self.method = method
    self.url = url
    self.headers = headers
    self.body = body
  }
}
