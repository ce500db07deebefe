internal import Netlink

/// Two faults that cannot be in force on one node at the same time.
public struct FaultConflict: Sendable, Hashable, Codable, CustomStringConvertible {
  /// The node.
  public var node: String
  /// The first of the two, by its id.
  public var first: String
  /// The other.
  public var second: String
  /// Why not, and what to do.
  public var why: String

  /// `faults "a" and "b" on node "east": …`
  public var description: String { "faults \"\(first)\" and \"\(second)\" on node \"\(node)\": \(why)" }
}

extension Fault {
  /// The pairs among `faults` that cannot be in force on their node at the same time. All others compose, in whatever order
  /// they are armed and disarmed:
  ///
  /// - The strictest cut wins: silence over refusal, refusal over loss and delay.
  /// - Losses are independent: a packet passes with ∏(1 − pᵢ).
  /// - Delays made by delay lines, and a delay line with a queue on a device, add up.
  /// - What stops packets does so before anything holds them back, in both directions, except that packets that arrive meet
  ///   the queue on a device first.
  ///
  /// - Parameters:
  ///   - faults: those that are in force at one time; of any nodes.
  ///   - node: what the nodes can do; `nil` if that is not known, which refuses whatever some kernel could not do.
  public static func conflicts(among faults: [Fault], on node: NodeProfile? = nil) -> [FaultConflict] {
    faults.indices.flatMap { index in
      faults[..<index].compactMap { earlier -> FaultConflict? in
        let later = faults[index]
        guard earlier.node == later.node, let why = earlier.conflict(with: later, on: node) else { return nil }
        return FaultConflict(node: later.node, first: earlier.id, second: later.id, why: why)
      }
    }
  }

  private func conflict(with other: Fault, on node: NodeProfile?) -> String? {
    if id == other.id, run == other.run { return "they have the same name; give one of them another id" }
    guard targets.overlaps(other.targets) else { return nil }
    for direction in Direction.allCases {
      guard let mine = effect(direction), let others = other.effect(direction) else { continue }
      if let answers = mine.answers, let otherAnswers = others.answers, answers.overlaps(otherAnswers) {
        return "both change the same answers, and the one that came first would win; make one fault of the two"
      }
      if targets.sharesDevices(other.targets), usesQueue(direction, on: node), other.usesQueue(direction, on: node) {
        return
          "both shape \(direction) packets by a queue on a device, and a packet can pass only one such queue; make one "
          + "fault of the two, or let their targets not overlap"
      }
      guard direction == .outbound else { continue }
      if let cut = mine.cut, let otherCut = others.cut, cut != otherCut, cut == .silence || otherCut == .silence {
        return
          "one refuses what leaves and tells its sender, before the other could let it vanish; make one fault of the two"
      }
      if marks, other.marks {
        return "both know packets of a control group by a mark, and a packet has only one; make one fault of the two"
      }
    }
    return nil
  }

  /// Whether one direction is shaped by a queue on a device of ours.
  private func usesQueue(_ direction: Direction, on node: NodeProfile?) -> Bool {
    guard let effect = effect(direction), effect.shapes else { return false }
    guard let node, let compiled = try? compile(for: node) else { return true }
    return compiled.scaffolds.contains { $0.role == (direction == .inbound ? .inbound : .outbound) }
  }

  /// Whether packets are marked on their way out.
  private var marks: Bool {
    guard targets.limitsGroup, let outbound else { return false }
    return outbound.cut == nil || outbound.cut == .silence
  }
}
