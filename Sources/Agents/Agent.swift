public import Faults
public import Support

/// Whoever holds the faults of one node, near or far. The same requests go to a namespace of the lab and to a host.
public protocol Agent: Sendable {
  /// The node's name.
  var node: String { get }

  /// Does what is asked and says what came of it.
  ///
  /// - Throws: `FaultError` or `NetlinkError`, with what state the node is in. Both are codable, as requests and replies.
  func perform(_ request: AgentRequest) async throws -> AgentReply
}

/// What an agent can be asked. Codable, so that it can travel over any stream of bytes.
public enum AgentRequest: Sendable, Hashable, Codable {
  /// Make a fault and keep it alive.
  case arm(Fault)
  /// Make a fault inside the node and keep it alive.
  case armInner(InnerFault)
  /// Say what a fault inside the node would change now.
  case changes(InnerFault)
  /// Say what a fault has done, of either kind.
  case count(fault: String)
  /// End a fault, of either kind, and verify that it is gone.
  case disarm(fault: String)
  /// Describe the node's network as it is now.
  case snapshot
  /// Say what the node's kernel can do, and which devices it has.
  case profile
  /// Say what the node offers for faults inside it.
  case innerProfile
  /// Read the node's clock: its time of day, nothing else.
  case clock
  /// Say what is left on the node of a run, whoever made it.
  case remains(run: String)
  /// Ask somebody else, in the node's network.
  case ask(HostQuestion)
  /// Take back what agents of a run have left on the node that are dead, and their guardians with them.
  case takeBack(run: String)
}

/// What an agent answers.
public enum AgentReply: Sendable, Hashable, Codable {
  /// The fault is in force.
  case armed(ArmReceipt)
  /// The fault inside the node is in force.
  case innerArmed(InnerArmReceipt)
  /// What it would change, one line each.
  case changes([String])
  /// What the fault has dropped.
  case counted(FaultCounters)
  /// How the fault ended.
  case ended(FaultOutcome)
  /// The node's network.
  case snapshot(NodeSnapshot)
  /// What the node can do.
  case profile(NodeProfile)
  /// What the node offers for faults inside it.
  case innerProfile(InnerProfile)
  /// The node's time of day: ns since 1970.
  case clock(Int64)
  /// What is left of the run, in words; empty when nothing is.
  case remains([String])
  /// What the node was told.
  case told(HostTold)
  /// What was taken back, and what could not be.
  case tookBack(UndoSuccession)
}

extension Agent {
  /// Makes a fault and keeps it alive: all of it in one transaction, or nothing.
  public func arm(_ fault: Fault) async throws -> ArmReceipt {
    let reply = try await perform(.arm(fault))
    guard case .armed(let receipt) = reply else { throw unexpected(reply) }
    return receipt
  }

  /// Makes a fault inside the node and keeps it alive: verified, or nothing.
  public func arm(_ fault: InnerFault) async throws -> InnerArmReceipt {
    let reply = try await perform(.armInner(fault))
    guard case .innerArmed(let receipt) = reply else { throw unexpected(reply) }
    return receipt
  }

  /// What a fault inside the node would change now, one line each, with the very processes and files. Changes nothing.
  public func changes(of fault: InnerFault) async throws -> [String] {
    let reply = try await perform(.changes(fault))
    guard case .changes(let changes) = reply else { throw unexpected(reply) }
    return changes
  }

  /// What the node offers for faults inside it.
  public func innerProfile() async throws -> InnerProfile {
    let reply = try await perform(.innerProfile)
    guard case .innerProfile(let profile) = reply else { throw unexpected(reply) }
    return profile
  }

  /// What a fault has dropped until now, or until its end.
  public func counters(of fault: String) async throws -> FaultCounters {
    let reply = try await perform(.count(fault: fault))
    guard case .counted(let counters) = reply else { throw unexpected(reply) }
    return counters
  }

  /// Ends a fault and verifies that it is gone. Asking again gives the same answer.
  public func disarm(_ fault: String) async throws -> FaultOutcome {
    let reply = try await perform(.disarm(fault: fault))
    guard case .ended(let outcome) = reply else { throw unexpected(reply) }
    return outcome
  }

  /// The node's packet filter, links, addresses and routes as they are now.
  public func snapshot() async throws -> NodeSnapshot {
    let reply = try await perform(.snapshot)
    guard case .snapshot(let snapshot) = reply else { throw unexpected(reply) }
    return snapshot
  }

  /// What the node's kernel can do, found out by doing it, and which devices it has now.
  public func profile() async throws -> NodeProfile {
    let reply = try await perform(.profile)
    guard case .profile(let profile) = reply else { throw unexpected(reply) }
    return profile
  }

  /// Asks somebody else, in the node's network. Changes nothing there.
  public func ask(_ question: HostQuestion) async throws -> HostTold {
    let reply = try await perform(.ask(question))
    guard case .told(let told) = reply else { throw unexpected(reply) }
    return told
  }

  /// How far the node's clock is from ours, by the best of a few questions. Takes as long as they take.
  ///
  /// - Parameter timebase: the recorder's clocks.
  /// - Returns: `nil` when no question was answered usably: ours was set back meanwhile.
  public func clockOffset(samples: Int = 8, timebase: Timebase = .system) async throws -> ClockOffset? {
    var taken: [ClockSample] = []
    for _ in 0..<samples {
      let sent = timebase.wall()
      let reply = try await perform(.clock)
      let received = timebase.wall()
      guard case .clock(let answered) = reply else { throw unexpected(reply) }
      taken.append(ClockSample(sent: sent, answered: answered, received: received, at: timebase.monotonic()))
    }
    return ClockOffset(node: node, taken)
  }

  private func unexpected(_ reply: AgentReply) -> Problem {
    Problem(
      .faultNotApplied, at: "agent of node \"\(node)\"", "it answered another question than it was asked: \(reply)",
      fix: "start the same version of blackstart on both ends")
  }
}
