/// What a probe asks.
public enum ProbeQuestion: Sendable, Hashable, Codable {
  /// An HTTP request; the answer is its status and body.
  case http(HTTPCall)
  /// A TCP connection; the answer is that it was accepted.
  case tcp(TCPEndpoint)
  /// A query; the answer is the first column of its first row.
  case sql(SQLQuery)
  /// A program; the answer is its exit code and standard output.
  case command(CommandCall)
  /// A figure of the stack; the answer is whether it is within its bounds.
  case metric(Expectation)
  /// An instant query; the answer is the value of its only sample.
  case prometheus(PrometheusQuery)

  /// The kinds' names in a scenario.
  public enum Kind: String, Sendable, Hashable, Codable, CaseIterable {
    /// See ``ProbeQuestion/http(_:)``.
    case http
    /// See ``ProbeQuestion/tcp(_:)``.
    case tcp
    /// See ``ProbeQuestion/sql(_:)``.
    case sql
    /// See ``ProbeQuestion/command(_:)``.
    case command
    /// See ``ProbeQuestion/metric(_:)``.
    case metric
    /// See ``ProbeQuestion/prometheus(_:)``.
    case prometheus
  }

  /// The kinds that an agent asks for the drill: those that are nothing but packets from its host.
  public static let askedFromHosts: [Kind] = [.http, .tcp, .prometheus]

  /// Which kind.
  public var kind: Kind {
    switch self {
    case .http: .http
    case .tcp: .tcp
    case .sql: .sql
    case .command: .command
    case .metric: .metric
    case .prometheus: .prometheus
    }
  }
}

/// Where a TCP probe connects to.
public struct TCPEndpoint: Sendable, Hashable, Codable {
  /// An address, a host of the inventory, or a region of the lab.
  public var host: String
  /// The port.
  public var port: UInt16

  /// An endpoint from its parts.
  public init(host: String, port: UInt16) {
    self.host = host
    self.port = port
  }
}

/// A query of one store.
public struct SQLQuery: Sendable, Hashable, Codable {
  /// The region whose store is asked.
  public var store: String
  /// The query. It runs read-only.
  public var query: String

  /// A query from its parts.
  public init(store: String, query: String) {
    self.store = store
    self.query = query
  }
}

/// An instant query of a Prometheus server.
public struct PrometheusQuery: Sendable, Hashable, Codable {
  /// The server's address without path: `http://10.0.0.9:9090`.
  public var url: Template
  /// The query in PromQL.
  public var query: String

  /// A query from its parts.
  public init(url: Template, query: String) {
    self.url = url
    self.query = query
  }
}
