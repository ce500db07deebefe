internal import Agents
internal import Faults
internal import Glibc
internal import Lab
internal import Netlink
internal import Stacks
internal import Support

extension Commands {
  /// `blackstart doctor`
  static let doctor = Command(
    name: "doctor", summary: "Says what this machine offers for drills, what is missing, and what to do about it.",
    details: """
      Asks by doing: makes a scratch namespace, arms a small partition in it, and takes both away again. Ends with status 0 if a
      drill can run here, 4 if not.

      With --kafka SCENARIO the Kafka clusters are looked at that its stack.attach names, and nothing else: whether they are
      reached and believe us, what they lack, which rights are missing for whom, how topics, connectors and mirrors are set up.
      Nothing of theirs is changed. Ends with status 0 if a drill can run on them, 4 if not.
      """,
    options: [
      Option(name: "--json", help: "print the findings as JSON"),
      Option(name: "--kafka", value: "SCENARIO", help: "look at the Kafka clusters that this scenario attaches"),
      stateOption,
    ] + variableOptions
  ) { invocation, tool in
    if invocation.has("--kafka") { return try await examineKafka(invocation, tool) }
    let findings = await examine(stateDirectory: stateDirectory(invocation))
    let features = geteuid() == 0 ? try KernelFeatures.probe() : nil
    let offers = features.map { faultOffers($0) + innerOffers() } ?? []
    if invocation.has("--json") {
      let diagnosis = Diagnosis(findings: findings, features: features?.answers, faults: offers)
      tool.console.print(String(decoding: try encodeJSON(diagnosis, pretty: true), as: UTF8.self) + "\n")
    } else {
      let width = (findings.map(\.subject.count).max() ?? 0) + 2
      for finding in findings {
        let pad = String(repeating: " ", count: width - finding.subject.count)
        tool.console.print("\(finding.isFine ? "ok      " : "MISSING ")\(finding.subject)\(pad)\(finding.detail)\n")
        if let fix = finding.fix { tool.console.print("        \(String(repeating: " ", count: width))fix: \(fix)\n") }
      }
      for line in offerLines(offers) { tool.console.print("\(line)\n") }
      let missing = findings.count(where: { !$0.isFine })
      tool.console.print(missing == 0 ? "A drill can run here.\n" : "A drill cannot run here: \(missing) missing.\n")
    }
    return findings.allSatisfy(\.isFine) ? .pass : .faultNotApplied
  }
}

/// Everything that was found out.
private struct Diagnosis: Encodable {
  var findings: [Finding]
  /// What the kernel answered to each attempt. `nil`: not asked.
  var features: [KernelFeatures.Feature: KernelFeatures.Answer]?
  var faults: [FaultOffer]
}

/// One thing that a drill needs, and how it stands.
private struct Finding: Codable, Sendable {
  var subject: String
  var isFine: Bool
  var detail: String
  var fix: String?
}

private func examine(stateDirectory: String) async -> [Finding] {
  var findings: [Finding] = []
  func note(_ subject: String, fix: String, _ probe: () async throws -> String) async {
    do {
      findings.append(Finding(subject: subject, isFine: true, detail: try await probe(), fix: nil))
    } catch let problem as Problem {
      findings.append(Finding(subject: subject, isFine: false, detail: problem.what, fix: problem.fix ?? fix))
    } catch {
      findings.append(Finding(subject: subject, isFine: false, detail: "\(error)", fix: fix))
    }
  }

  await note("privileges", fix: "run it with sudo") {
    guard geteuid() == 0 else { throw Problem(.faultNotApplied, "not root (uid \(geteuid()))") }
    return "root"
  }
  await note("kernel", fix: "use Linux 5.12 or newer") {
    let release = try readFile("/proc/sys/kernel/osrelease")
    return String(decoding: release, as: UTF8.self).trimmingNewline
  }
  let servers = Result { try ServerBinaries.locate() }
  await note("PostgreSQL", fix: "apt-get install postgresql-15") {
    let binaries = try servers.get()
    return "\(binaries.postgresVersion) (\(binaries.postgres))"
  }
  await note("etcd", fix: "apt-get install etcd-server") { try servers.get().etcd }
  await note("state directory", fix: "name another with --state") {
    try makeDirectory(stateDirectory)
    let probe = "\(stateDirectory)/.doctor-\(getpid())"
    try writeFile(probe, [])
    try removeTree(probe)
    return stateDirectory
  }

  guard geteuid() == 0 else {
    findings.append(
      Finding(
        subject: "kernel features", isFine: false, detail: "not asked: that needs root", fix: "run it with sudo"))
    return findings
  }
  let name = "bs-doctor-\(getpid())"
  await note("network namespaces", fix: "enable CONFIG_NET_NS; in a container, run it privileged") {
    let scratch = try NetworkNamespace.create(named: name)
    _ = try scratch.run { () }
    return "made and entered one"
  }
  await note("bridge and veth", fix: "enable CONFIG_BRIDGE and CONFIG_VETH (modprobe bridge veth)") {
    let links = try LinkController(in: NetworkNamespace.open(named: name))
    defer { links.close() }
    try links.createBridge("br0")
    try links.createVeth("a", peer: "b", in: NetworkNamespace.open(named: name))
    return "made both"
  }
  await note("partition", fix: "enable CONFIG_NF_TABLES and CONFIG_NF_TABLES_INET; Linux 5.12 for owner tables") {
    let scratch = try NetworkNamespace.open(named: name)
    let before = try NodeSnapshot(of: scratch)
    let fault = Fault(
      id: "doctor", run: "doctor", node: name, inbound: .drop,
      targets: .init(peers: ["192.0.2.1", "2001:db8::1"].compactMap { IPAddress($0) }),
      timing: .init(lease: .seconds(5)))
    let agent = try NamespaceAgent(node: name, namespace: scratch) { _ in }
    let receipt = try await agent.arm(fault)
    _ = try await agent.disarm(fault.id)
    await agent.close()
    let left = try NodeSnapshot(of: scratch).difference(from: before)
    guard left.isEmpty else { throw Problem(.faultNotApplied, "left behind: \(left.joined(separator: "; "))") }
    let took = Duration.nanoseconds(receipt.armedAtNanoseconds - receipt.sentAtNanoseconds)
    return "nf_tables, owner table, element timeouts (\(receipt.refresh)); armed in \(took.brief)"
  }
  await note("clean-up", fix: "ip netns delete \(name)") {
    try NetworkNamespace.delete(named: name)
    return "the scratch namespace is gone"
  }
  return findings
}

extension String {
  fileprivate var trimmingNewline: String { hasSuffix("\n") ? String(dropLast()) : self }
}
