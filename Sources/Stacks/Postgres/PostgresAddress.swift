/// Where a PostgreSQL server listens, and as whom to log in.
public struct PostgresAddress: Sendable, Hashable, Codable {
  /// Numeric address, IPv4 or IPv6 (names are never resolved, because that would block), or the absolute path of the
  /// directory of a Unix-domain socket.
  public var host: String
  /// TCP port.
  public var port: UInt16
  /// The database.
  public var database: String
  /// The role.
  public var user: String
  /// Its password; never printed.
  public var password: String

  /// The event store's database at `host`.
  public init(
    host: String, port: UInt16 = 5432, database: String = EventStore.database, user: String, password: String
  ) {
    self.host = host
    self.port = port
    self.database = database
    self.user = user
    self.password = password
  }

  /// The same server and database for another role; all roles of a lab share one password.
  public func with(user: String) -> PostgresAddress {
    var other = self
    other.user = user
    return other
  }

  /// libpq's connection parameters. The kernel gives up on a dead path after 2 s instead of 15 min (measured: a mirror
  /// is back 0.5 s after a 20 s partition heals, 6.4 s with the defaults).
  func parameters(applicationName: String) -> [(name: String, value: String)] {
    [
      (host.hasPrefix("/") ? "host" : "hostaddr", host), ("port", "\(port)"), ("dbname", database), ("user", user),
      ("password", password),
      ("application_name", applicationName), ("connect_timeout", "2"), ("tcp_user_timeout", "2000"),
      ("keepalives_idle", "1"), ("keepalives_interval", "1"), ("keepalives_count", "2"), ("sslmode", "disable"),
      ("gssencmode", "disable"), ("client_encoding", "UTF8"),
    ]
  }

  /// The parameters as one connection string, for a subscription that PostgreSQL itself opens.
  func connectionString(applicationName: String) -> String {
    parameters(applicationName: applicationName).map { name, value in
      let escaped = value.flatMap { $0 == "'" || $0 == "\\" ? ["\\", $0] : [$0] }
      return "\(name)='\(String(escaped))'"
    }.joined(separator: " ")
  }
}

extension PostgresAddress: CustomStringConvertible {
  /// `bs_app@10.91.1.1:5432/blackstart`, without the password.
  public var description: String {
    let shown = host.contains(":") ? "[\(host)]" : host
    return "\(user)@\(shown):\(port)/\(database)"
  }
}

/// `text` as a literal in SQL that cannot take parameters (utility statements).
func quotedLiteral(_ text: String) -> String {
  let doubled = text.flatMap { $0 == "'" ? ["'", "'"] : [$0] }
  // With a backslash in it only the E'' form means the same under every setting of standard_conforming_strings.
  guard text.contains("\\") else { return "'\(String(doubled))'" }
  return " E'\(String(doubled.flatMap { $0 == "\\" ? ["\\", "\\"] : [$0] }))'"
}

/// `text` as an identifier in SQL.
func quotedIdentifier(_ text: String) -> String {
  "\"\(String(text.flatMap { $0 == "\"" ? ["\"", "\""] : [$0] }))\""
}
