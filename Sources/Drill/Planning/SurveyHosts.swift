internal import Agents
public import Faults
internal import Glibc
public import Scenarios
internal import Support

/// What the nodes of a drill can do, asked of themselves: a plan names the very objects that they will have.
public struct NodeSurvey: Sendable, Hashable {
  /// What each node's kernel can do, and which devices it has.
  public var profiles: [String: NodeProfile]
  /// What each node offers for faults inside it.
  public var insides: [String: InnerProfile]

  /// What was found, by node.
  public init(profiles: [String: NodeProfile] = [:], insides: [String: InnerProfile] = [:]) {
    self.profiles = profiles
    self.insides = insides
  }
}

/// Asks the hosts of an inventory what they can do, through agents that are started for it and let go. Changes nothing: each tries
/// things out in a network namespace of its own. In a lab there is nobody to ask, and nothing is found.
///
/// - Throws: ``Problem`` (faultNotApplied) for a host that has no agent to be had.
public func surveyHosts(_ topology: Topology) async throws -> NodeSurvey {
  guard topology.ground == .inventory else { return NodeSurvey() }
  var template = Array("/tmp/blackstart-XXXXXX".utf8CString)
  guard mkdtemp(&template) != nil else { throw SystemError("mkdtemp", "/tmp") }
  let directory = String(decoding: template.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  let outcome: Result<NodeSurvey, any Error>
  do { outcome = .success(try await survey(topology.hosts, directory)) } catch { outcome = .failure(error) }
  try removeTree(directory)
  return try outcome.get()
}

private func survey(_ hosts: [Host], _ directory: String) async throws -> NodeSurvey {
  let connector = HostConnector(
    run: "survey", logs: directory, program: try .current(), timebase: .system, clock: ContinuousClock())
  return try await withThrowingTaskGroup(of: (String, NodeProfile, InnerProfile).self) { group in
    for host in hosts {
      group.addTask(name: "survey of \(host.name)") {
        do {
          let agent = try await connector.connect(host, permitsNodeClock: false, report: { _ in })
          let found: Result<(NodeProfile, InnerProfile), any Error>
          do { found = .success((try await agent.profile(), try await agent.innerProfile())) } catch {
            found = .failure(error)
          }
          _ = try await agent.close()
          let (profile, inside) = try found.get()
          return (host.name, profile, inside)
        } catch let loss as AgentLost {
          throw Problem(
            .faultNotApplied, at: "host \(host.name)", "what it can do is not known: \(loss)",
            fix: "try by hand: \(host.agent.joined(separator: " ")) < /dev/null")
        }
      }
    }
    return try await group.reduce(into: NodeSurvey()) { survey, found in
      survey.profiles[found.0] = found.1
      survey.insides[found.0] = found.2
    }
  }
}
