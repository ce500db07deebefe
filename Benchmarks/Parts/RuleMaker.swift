internal import Agents
internal import Faults
internal import Netlink
internal import Support

/// One way to make the rules of a fault on a node, and to remove them again.
protocol RuleMaker: Sendable {
  /// What it is called in the table.
  var name: String { get }
  /// Makes the rules.
  func arm(_ fault: Fault) async throws
  /// Removes them.
  func disarm(_ fault: Fault) async throws
  /// Programs that are run for arming.
  func processes(_ fault: Fault) -> Int
}

/// Ours: the agents that a drill uses, with everything they do: heartbeats started, the result read back.
struct AgentMaker: RuleMaker {
  let name = "agents (ours)"
  private let agents: [String: NamespaceAgent]
  private let keeper: GuardedUndo?

  /// - Parameter keeper: who answers for the devices that some faults need.
  init(_ nodes: [BenchNode], keeper: GuardedUndo? = nil) throws {
    self.keeper = keeper
    agents = try Dictionary(
      uniqueKeysWithValues: nodes.map {
        ($0.name, try NamespaceAgent(node: $0.name, namespace: $0.namespace, undo: keeper) { _ in })
      })
  }

  func arm(_ fault: Fault) async throws {
    _ = try await agent(of: fault).arm(fault)
  }

  func disarm(_ fault: Fault) async throws {
    let outcome = try await agent(of: fault).disarm(fault.id)
    guard outcome.end == .disarmed else {
      throw Problem(.fail, at: "\(fault.id) on \(fault.node)", "it was not in force all the time: \(outcome.end)")
    }
  }

  func processes(_ fault: Fault) -> Int { 0 }

  func close() async throws {
    for agent in agents.values { await agent.close() }
    guard let keeper else { return }
    let left = try await onOwnThread("undo") { keeper.close() }
    guard left.isEmpty else { throw Problem(.recoveryIncomplete, left.joined(separator: "; ")) }
  }

  private func agent(of fault: Fault) throws -> NamespaceAgent {
    guard let agent = agents[fault.node] else { throw Problem(.fail, at: fault.node, "there is no such node") }
    return agent
  }
}

/// Theirs: programs, one after the other on each node.
struct ProgramMaker: RuleMaker {
  /// The programs of one fault.
  struct Script: Sendable {
    var arm: [Program]
    var disarm: [Program]
  }

  let name: String
  private let scripts: [Fault: Script]
  private let namespaces: [String: NetworkNamespace]
  private let errors: String

  /// - Parameter script: what to run for a fault; written before anything is timed.
  init(
    _ name: String, faults: [Fault], nodes: [BenchNode], workspace: String, _ script: (Fault) throws -> Script
  ) throws {
    self.name = name
    scripts = try Dictionary(uniqueKeysWithValues: faults.map { ($0, try script($0)) })
    namespaces = Dictionary(uniqueKeysWithValues: nodes.map { ($0.name, $0.namespace) })
    errors = "\(workspace)/errors.txt"
  }

  func arm(_ fault: Fault) async throws {
    try await run(scripts[fault]?.arm ?? [], on: fault.node)
  }

  func disarm(_ fault: Fault) async throws {
    try await run(scripts[fault]?.disarm ?? [], on: fault.node)
  }

  func processes(_ fault: Fault) -> Int { scripts[fault]?.arm.count ?? 0 }

  private func run(_ programs: [Program], on node: String) async throws {
    try await onOwnThread("programs", networkNamespace: namespaces[node]?.fileDescriptor) {
      for program in programs { try program.run(errors: errors) }
    }
  }
}
