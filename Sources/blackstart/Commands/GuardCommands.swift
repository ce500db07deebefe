internal import Guards
internal import Support

extension Commands {
  /// `blackstart guard registry`
  static let guardRegistry = Command(
    name: "guard registry",
    summary: "Runs a reverse proxy that lets writes to a schema registry pass only with the current fencing token.",
    details: """
      POST, PUT and DELETE need the header X-Fencing-Token with the create revision of the key in etcd; otherwise they
      are answered 409 with the rule that refused them. Reads pass. `PUT /mode` with READONLY or READWRITE freezes and
      thaws. Runs until SIGTERM; with TLS, SIGHUP reads its certificates again. See docs/guards.md.
      """,
    options: [
      Option(name: "--listen", value: "HOST:PORT", help: "where it listens"),
      Option(name: "--registry", value: "HOST:PORT", help: "the registry behind it"),
    ] + tokenOptions + tlsOptions + [
      Option(
        name: "--base", value: "PATH", help: "where the Confluent API stands (/ and /apis/ccompat/v6 to v8)",
        repeats: true),
      Option(name: "--registry-mode", help: "leave /mode to the registry, which has it"),
      Option(name: "--freeze", help: "begin frozen: no write passes"),
    ]
  ) { invocation, tool in
    let listen = try endpoint(invocation, "--listen")
    let upstream = try endpoint(invocation, "--registry")
    let bases = invocation.all("--base").map { $0 == "/" ? "" : $0 }
    let report = guardReport(tool.console)
    let tls = try guardTLS(invocation)
    let authority = try tokenAuthority(invocation, isFrozen: invocation.has("--freeze"), report: report)
    let proxy = try await RegistryGuard(
      RegistrySettings(
        listen: listen, upstream: upstream, bases: bases.isEmpty ? nil : bases,
        servesMode: !invocation.has("--registry-mode")),
      tls: tls, authority: authority, report: report)
    tool.console.print("listening on \(proxy.endpoint) for the registry at \(upstream)\n")
    return try await serveGuard(authority, tls: tls, report: report) { try await proxy.run() }
  }

  /// `blackstart guard admin`
  static let guardAdmin = Command(
    name: "guard admin",
    summary: "Runs a TCP proxy that lets Kafka's administration pass only with the current fencing token.",
    details: """
      Administrative requests need `token=N` in the client id (client.id=NAME;token=N), with the create revision of the
      key in etcd; otherwise they are answered CLUSTER_AUTHORIZATION_FAILED. Everything else passes untouched. Listen where
      the brokers advertise. Runs until SIGTERM; with TLS, SIGHUP reads its certificates again. See docs/guards.md.
      """,
    options: [
      Option(
        name: "--route", value: "HOST:PORT=HOST:PORT", help: "where it listens, and the broker behind that",
        repeats: true)
    ] + tokenOptions + tlsOptions + [
      Option(
        name: "--unknown-requests", value: "WHAT", help: "requests of a later Kafka without token: refuse, or pass"),
      Option(name: "--unknown-versions", value: "WHAT", help: "administration in later versions: refuse, or pass"),
      Option(name: "--between-brokers", value: "WHAT", help: "requests that only brokers send: refuse, or pass"),
      Option(name: "--threads", value: "N", help: "threads over which connections are spread (2)"),
    ]
  ) { invocation, tool in
    let routes = try invocation.all("--route").map { text throws(Problem) in
      let parts = text.split(separator: "=", omittingEmptySubsequences: false)
      guard parts.count == 2 else {
        throw Problem(.usage, "--route '\(text)' is no pair of addresses", fix: "--route 10.0.0.1:9092=10.0.0.1:19092")
      }
      return AdminRoute(listen: try Endpoint(String(parts[0])), broker: try Endpoint(String(parts[1])))
    }
    guard !routes.isEmpty else {
      throw Problem(.usage, "an admin guard needs --route", fix: "--route 10.0.0.1:9092=10.0.0.1:19092")
    }
    var policy = AdminPolicy()
    policy.unknownRequests = try choice(invocation, "--unknown-requests", standard: policy.unknownRequests)
    policy.unknownVersions = try choice(invocation, "--unknown-versions", standard: policy.unknownVersions)
    policy.betweenBrokers = try choice(invocation, "--between-brokers", standard: policy.betweenBrokers)
    let text = invocation.value("--threads") ?? "2"
    guard let threads = Int(text), (1...64).contains(threads) else {
      throw Problem(.usage, "--threads '\(text)' is no number from 1 to 64")
    }
    let report = guardReport(tool.console)
    let tls = try guardTLS(invocation)
    let authority = try tokenAuthority(invocation, report: report)
    let proxy = try await AdminGuard(
      routes: routes, policy: policy, tls: tls, authority: authority, threads: threads, report: report)
    for route in proxy.routes { tool.console.print("listening on \(route.listen) for the broker at \(route.broker)\n") }
    return try await serveGuard(authority, tls: tls, report: report) { try await proxy.run() }
  }

  private static func endpoint(_ invocation: Invocation, _ name: String) throws(Problem) -> Endpoint {
    guard let text = invocation.value(name) else {
      throw Problem(.usage, "a registry guard needs \(name)", fix: "\(name) HOST:PORT")
    }
    return try Endpoint(text)
  }
}
