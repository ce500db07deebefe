internal import Agents
internal import Faults
internal import Glibc
internal import Lab
internal import Scenarios
internal import Synchronization

/// The faults of the network that are in force, and what they have met.
final class HeldFaults: Sendable {
  private let held = Mutex<[String: Held]>([:])

  private struct Held {
    var planned: PlannedFault
    var faults: [Fault]
    /// Our own datagrams that it may have met.
    var probes: [Place: UInt64] = [:]
  }

  /// Where packets are met: a direction on a node.
  struct Place: Sendable, Hashable {
    var node: String
    var direction: Fault.Direction

    /// In words.
    var words: String { direction == .inbound ? node : "\(node) (leaving)" }
  }

  func add(_ planned: PlannedFault, _ faults: [Fault]) {
    held.withLock { $0[planned.id] = Held(planned: planned, faults: faults) }
  }

  /// Says more precisely what is in force.
  func replace(_ id: String, _ faults: [Fault]) {
    held.withLock { $0[id]?.faults = faults }
  }

  /// What a fault of the timeline is on its nodes; `nil`: it is not in force.
  func faults(of id: String) -> [Fault]? { held.withLock { $0[id]?.faults } }

  /// - Returns: what is in force without it.
  func remove(_ id: String) -> [Fault] {
    held.withLock { held in
      held[id] = nil
      return held.values.flatMap(\.faults)
    }
  }

  /// What must be seen now, with everything that is in force.
  func proof(between ends: [ReachabilityProbe.End]) -> FaultProof {
    let held = held.withLock { Array($0.values) }
    return FaultProof(held.map { ($0.planned, $0.faults) }, between: ends, sentBy: geteuid())
  }

  /// Packets of the system under drill that something happened to, by where: the kernel's count without our own probes. Of
  /// connections that are broken, how many.
  func met(_ id: String, _ agents: [String: any Agent]) async throws -> [Place: UInt64] {
    var met: [Place: UInt64] = [:]
    for fault in faults(of: id) ?? [] {
      guard let agent = agents[fault.node] else { continue }
      do {
        let counters = try await agent.counters(of: fault.id)
        for direction in Fault.Direction.allCases where fault.effect(direction) != nil {
          let place = Place(node: fault.node, direction: direction)
          let probes = held.withLock { $0[id]?.probes[place] ?? 0 }
          let all = counters.met(direction)
          met[place] = all > probes ? all - probes : 0
        }
        if let destroyed = counters.connectionsDestroyed {
          met[Place(node: fault.node, direction: .inbound), default: 0] += UInt64(destroyed)
        }
      } catch let error as FaultError {
        guard error.reason == .notHeld else { throw error }
      }
    }
    return met
  }

  /// Notes how many of our own probes a fault in force may have met, so that it cannot be they that make it look as if it bit.
  func count(_ seen: Reachability, between ends: [ReachabilityProbe.End]) {
    let user = geteuid()
    held.withLock { held in
      for id in held.keys {
        for fault in held[id]?.faults ?? [] {
          for (direction, probes) in FaultProof.met(fault, seen, between: ends, sentBy: user) {
            held[id]?.probes[Place(node: fault.node, direction: direction), default: 0] += probes
          }
        }
      }
    }
  }
}
