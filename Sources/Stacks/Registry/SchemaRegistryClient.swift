internal import Support

/// One version of one subject, as a registry has it.
public struct RegisteredSchema: Sendable, Hashable, Codable {
  /// The subject.
  public var subject: String
  /// The version, from 1.
  public var version: Int
  /// The number by which records refer to the schema.
  public var id: Int64
  /// The schema's text.
  public var schema: String

  /// A version of a subject.
  public init(subject: String, version: Int, id: Int64, schema: String) {
    self.subject = subject
    self.version = version
    self.id = id
    self.schema = schema
  }
}

/// Speaks to a schema registry through the interface that Confluent's clients use; also through a guard.
public struct SchemaRegistryClient: Sendable {
  /// How an attempt to register a schema ended.
  public enum Registration: Sendable, Hashable {
    /// The registry has it, under this id.
    case registered(id: Int64)
    /// A guard refused it, by this rule.
    case refusedByGuard(rule: String)
    /// The registry, or something before it, answered with an error.
    case answered(status: Int, text: String)
    /// It was certainly not carried out: nobody listens there.
    case unreachable(String)
    /// No answer came: whether it was carried out is not known.
    case unknown(String)
  }

  /// Where the interface stands, `http://10.91.1.1:8081/apis/ccompat/v7`.
  public let address: String
  private let networkNamespace: Int32?
  private let limit: Duration

  /// A client.
  ///
  /// - Parameters:
  ///   - networkNamespace: descriptor of the namespace that its sockets open in; it must stay open.
  ///   - limit: of every call.
  public init(address: String, networkNamespace: Int32? = nil, limit: Duration = .seconds(1)) {
    self.address = address
    self.networkNamespace = networkNamespace
    self.limit = limit
  }

  /// All versions of all subjects, in order.
  ///
  /// - Parameter known: versions that need not be fetched again, by subject and version: a version never changes its text.
  /// - Throws: ``Problem`` (inconclusive) when the registry does not answer, or with something else.
  public func schemas(known: [RegisteredSchema] = []) async throws -> [RegisteredSchema] {
    var all: [RegisteredSchema] = []
    for subject in try await get([String].self, "/subjects").sorted() {
      let path = "/subjects/\(percentEncoded(subject))/versions"
      for version in try await get([Int].self, path).sorted() {
        if let seen = known.first(where: { $0.subject == subject && $0.version == version }) {
          all.append(seen)
        } else {
          all.append(try await get(RegisteredSchema.self, "\(path)/\(version)"))
        }
      }
    }
    return all
  }

  /// Registers a schema as the next version of a subject.
  ///
  /// - Parameter token: sent as `X-Fencing-Token`; `nil` for none.
  /// - Throws: ``SystemError`` when no thread can be made for it.
  public func register(_ schema: String, as subject: String, token: String?) async throws -> Registration {
    var headers = [(name: "Content-Type", value: "application/vnd.schemaregistry.v1+json")]
    if let token { headers.append((name: "X-Fencing-Token", value: token)) }
    let request = HTTPRequest(
      method: "POST", url: "\(address)/subjects/\(percentEncoded(subject))/versions", headers: headers,
      body: try encodeJSON(["schema": schema]))
    switch try await sendHTTP(request, within: limit, networkNamespace: networkNamespace) {
    case .failed(let why):
      // What was never connected was never sent.
      return why == HTTPOutcome.notConnected ? .unreachable(why) : .unknown(why)
    case .answered(let status, let body):
      // Both a guard and a registry answer 409: only the body tells them apart.
      let answer = Answer(body)
      if status == 200, let id = answer.id { return .registered(id: id) }
      if let rule = answer.rule { return .refusedByGuard(rule: rule) }
      return .answered(status: status, text: Self.text(body))
    }
  }

  /// What is of use in an answer; nothing in one that is no JSON object.
  private struct Answer: Codable {
    var id: Int64?
    var rule: String?

    init(_ body: [UInt8]) {
      do { self = try decodeJSON(Answer.self, from: body) } catch { (id, rule) = (nil, nil) }
    }
  }

  private func get<T: Decodable>(_ type: T.Type, _ path: String) async throws -> T {
    switch try await sendHTTP(HTTPRequest(url: address + path), within: limit, networkNamespace: networkNamespace) {
    case .failed(let why): throw Problem(.inconclusive, at: address + path, "the registry does not answer: \(why)")
    case .answered(200, let body):
      do { return try decodeJSON(type, from: body) } catch {
        throw Problem(.inconclusive, at: address + path, "the registry's answer cannot be read: \(error)")
      }
    case .answered(let status, let body):
      throw Problem(.inconclusive, at: address + path, "the registry answers \(status): \(Self.text(body))")
    }
  }

  private static func text(_ body: [UInt8]) -> String { String(decoding: body.prefix(200), as: UTF8.self) }
}
