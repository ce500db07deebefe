internal import Glibc
internal import Lab
internal import Support

private let labName = Option(name: "--name", value: "ID", help: "which lab (lab): lower-case letters and digits")

private func labID(_ invocation: Invocation) -> String { invocation.value("--name") ?? "lab" }

/// The path of the running executable, from which the lab starts its control planes.
func ownExecutable() throws -> String {
  var buffer = [CChar](repeating: 0, count: 4096)
  let count = readlink("/proc/self/exe", &buffer, buffer.count)
  guard count > 0, count < buffer.count else { throw SystemError("readlink", "/proc/self/exe") }
  return String(decoding: buffer[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self)
}

extension Commands {
  /// `blackstart lab up`
  static let labUp = Command(
    name: "lab up",
    summary:
      "Brings up a lab of three regions with real etcd, PostgreSQL and, if asked, Kafka, and leaves it standing.",
    details: """
      Regions east, eu and ap are network namespaces bs-ID-REGION on this machine; enter one with
      `ip netns exec bs-ID-REGION COMMAND`. `lab down` takes all of it away.
      """,
    options: [
      labName, Option(name: "--ttl", value: "SECONDS", help: "lease behind write authority (10)"),
      Option(
        name: "--stack", value: "KIND", help: "postgres (the default), or kafka beside it: needs KAFKA_HOME and Java"),
      Option(
        name: "--guard", value: "WHAT",
        help:
          "put a guard before the brokers (admin), or add schema registries with one (registry: needs REGISTRY_HOME)",
        repeats: true),
      Option(name: "--logs", value: "DIR", help: "where the servers' logs go (in the lab's state)"), stateOption,
    ]
  ) { invocation, tool in
    let id = labID(invocation)
    let specification = try labSpecification(invocation, id)
    let state = stateDirectory(invocation)
    let logs = invocation.value("--logs") ?? "\(state)/logs/\(id)"
    let begun = Timebase.system.monotonic()
    let ended = try await cancellable(console: tool.console) {
      let lab = try await Lab.up(
        specification,
        LabSurroundings(stateDirectory: state, logsDirectory: logs, program: try ownExecutable()))
      try lab.keep()
      return try await lab.status()
    }
    if let termination = ended.termination, case .failure = ended.outcome { return termination.code }
    let status = try ended.outcome.get()
    let took = Duration.nanoseconds(Timebase.system.monotonic() - begun)
    tool.console.print(describe(status) + "up in \(took.brief); logs in \(logs)\n")
    return .pass
  }

  /// `blackstart lab status`
  static let labStatus = Command(
    name: "lab status", summary: "Says how each server of a lab is, who writes, and how the mirrors are.",
    details: "Ends with status 0 if everything is ready, 1 if not.",
    options: [labName, Option(name: "--json", help: "print it as JSON"), stateOption]
  ) { invocation, tool in
    let lab = try Lab.open(labID(invocation), stateDirectory: stateDirectory(invocation))
    let status = try await lab.status()
    if invocation.has("--json") {
      tool.console.print(String(decoding: try encodeJSON(status, pretty: true), as: UTF8.self) + "\n")
    } else {
      tool.console.print(describe(status))
    }
    return status.isReady ? .pass : .fail
  }

  /// `blackstart lab down`
  static let labDown = Command(
    name: "lab down", summary: "Takes a lab down without a trace.",
    options: [labName, Option(name: "--force", help: "even if a run uses it"), stateOption]
  ) { invocation, tool in
    let begun = Timebase.system.monotonic()
    let removed = try await Lab.down(
      labID(invocation), stateDirectory: stateDirectory(invocation), force: invocation.has("--force"))
    let took = Duration.nanoseconds(Timebase.system.monotonic() - begun)
    tool.console.print("removed \(removed.count) things in \(took.brief)\n")
    return .pass
  }
}

/// The lab that the options ask for.
private func labSpecification(_ invocation: Invocation, _ id: String) throws(Problem) -> LabSpecification {
  let text = invocation.value("--ttl") ?? "10"
  guard let seconds = Int(text) else { throw Problem(.usage, "--ttl '\(text)' is no number of seconds") }
  var specification: LabSpecification
  switch invocation.value("--stack") ?? "postgres" {
  case "postgres": specification = .standard(id: id, leaseTTLSeconds: seconds)
  case "kafka":
    specification = .kafka(
      id: id, leaseTTLSeconds: seconds, KafkaLabSettings(hasAdminGuard: invocation.all("--guard").contains("admin")))
  case let other: throw Problem(.usage, "--stack '\(other)' is none of ours", fix: "say postgres or kafka")
  }
  for what in invocation.all("--guard") {
    switch what {
    case "registry": specification = specification.withRegistries()
    case "admin" where specification.kafka != nil: break
    case "admin": throw Problem(.usage, "an admin guard needs brokers to stand before", fix: "--stack kafka")
    default: throw Problem(.usage, "--guard '\(what)' is none of ours", fix: "say admin or registry")
    }
  }
  return specification
}

private func describe(_ status: LabStatus) -> String {
  var lines = ["lab \(status.id) (\(status.standing))"]
  let heads = status.servers.map { "\($0.region) \($0.kind.rawValue)" }
  let width = (heads.map(\.count).max() ?? 0) + 2
  for (head, server) in zip(heads, status.servers) {
    let mark = server.alive && server.ready ? "ready" : "NOT READY"
    let pad = String(repeating: " ", count: width - head.count)
    lines.append(
      "  \(head)\(pad)\(mark)  pid \(server.pid)  \(server.addresses.joined(separator: " "))  \(server.detail)")
  }
  lines.append("  etcd leader: \(status.etcdLeader ?? "none")")
  lines.append("  writer: \(status.writer ?? "none")\(status.token.map { ", token \($0)" } ?? "")")
  for mirror in status.mirrors {
    let lag = mirror.lagBytes.map { "\($0) bytes behind" } ?? "lag unknown"
    lines.append(
      "  mirror \(mirror.origin)→\(mirror.target): \(mirror.streaming ? "streaming" : "NOT STREAMING"), \(lag)")
  }
  lines += status.others.map { "  \($0)" }
  return lines.joined(separator: "\n") + "\n"
}
