internal import Guards
internal import Stacks
internal import Support

/// The options that every guard has: where the current token comes from, and what it keeps.
let tokenOptions = [
  Option(name: "--etcd", value: "URL", help: "etcd's client address, such as http://10.0.0.1:2379", repeats: true),
  Option(name: "--key", value: "KEY", help: "the key whose create revision is the token (that of the lab named lab)"),
  Option(name: "--state", value: "DIR", help: "where the highest token is kept; for this guard alone"),
  Option(name: "--log", value: "FILE", help: "decision log (decisions.jsonl in the state directory)"),
  Option(name: "--max-age", value: "SECONDS", help: "how long etcd's last answer stands when it is silent (2)"),
  Option(name: "--plant", value: "NAME", help: "make the guard wrong on purpose: guard-passes, tokens-as-text"),
]

/// The authority that the options name.
func tokenAuthority(
  _ invocation: Invocation, isFrozen: Bool = false, report: @escaping @Sendable (String) -> Void
) throws -> TokenAuthority {
  let endpoints = invocation.all("--etcd")
  guard !endpoints.isEmpty else {
    throw Problem(
      .usage, "a guard needs --etcd: without it nobody knows the current token", fix: "--etcd http://HOST:2379")
  }
  guard let state = invocation.value("--state") else {
    throw Problem(.usage, "a guard needs --state: the highest token must survive a restart", fix: "--state DIR")
  }
  let age = invocation.value("--max-age") ?? "2"
  guard let seconds = Double(age), seconds >= 0, seconds <= 3600 else {
    throw Problem(.usage, "--max-age '\(age)' is no number of seconds from 0 to 3600")
  }
  let plant = try invocation.value("--plant").map { name in
    guard let plant = GuardPlant(rawValue: name) else {
      throw Problem(
        .usage, "there is no plant '\(name)'",
        fix: "plants: \(GuardPlant.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    return plant
  }
  let key = invocation.value("--key") ?? ControlPlaneConfiguration.writerKey(lab: "lab")
  return try TokenAuthority(
    source: EtcdTokenSource(endpoints: endpoints, key: key), directory: state, logPath: invocation.value("--log"),
    maximumAge: .nanoseconds(Int64(seconds * 1e9)), isFrozen: isFrozen, plant: plant, report: report)
}

/// What a guard says to its operator, on standard error.
func guardReport(_ console: Console) -> @Sendable (String) -> Void {
  { text in console.note("\(timestamp(Timebase.system.wall())) guard: \(text)\n") }
}

/// Runs a guard and its authority until SIGINT or SIGTERM, which is its proper end. SIGHUP makes one that speaks TLS read its
/// certificates again, and is the end of any other.
func serveGuard(
  _ authority: TokenAuthority, tls: GuardTLS?, report: @escaping @Sendable (String) -> Void,
  _ serve: @escaping @Sendable () async throws -> Void
) async throws -> ExitCode {
  let signals = try signalStream([Signal.interrupt, Signal.terminate, Signal.hangUp])
  try await withThrowingTaskGroup(of: Void.self) { group in
    group.addTask { await authority.run() }
    group.addTask { try await serve() }
    group.addTask {
      for await signal in signals {
        guard signal == Signal.hangUp, let tls else { return }
        do throws(Problem) {
          try tls.reload()
          report("the certificates are read again, for connections that come from now on")
        } catch {
          report("the certificates stay as they were: \(error)")
        }
      }
    }
    // Whichever ends first, by a signal or by an error, ends all.
    defer { group.cancelAll() }
    try await group.next()
  }
  return .pass
}

/// An option's value as one of a few words.
func choice<T: RawRepresentable & CaseIterable>(
  _ invocation: Invocation, _ name: String, standard: T
) throws(Problem) -> T where T.RawValue == String {
  guard let text = invocation.value(name) else { return standard }
  guard let value = T(rawValue: text) else {
    let words = T.allCases.map(\.rawValue).joined(separator: " or ")
    throw Problem(.usage, "\(name) '\(text)' is not known", fix: "give \(words)")
  }
  return value
}
