internal import Netlink

/// Decides what becomes of each answer. Pure: packets in, packets out.
struct AnswerDesk: Sendable {
  /// What becomes of a packet.
  enum Treatment: Sendable, Hashable {
    /// It passes as it is: nobody means it.
    case pass
    /// It passes as it is, because it cannot be changed.
    case unreadable
    /// It is thrown away.
    case drop
    /// It goes on so many nanoseconds later, as these bytes; `nil` for as it is.
    case change(afterNanoseconds: Int64, [UInt8]?)
  }

  private let answers: Fault.Answers
  private let patterns: [NamePattern]
  private let begun: Int64

  /// - Parameter begun: when a drift begins, nanoseconds on the clock of ``treat(_:isWhole:at:)``.
  init(_ answers: Fault.Answers, begun: Int64) {
    self.answers = answers
    self.begun = begun
    if case .names(let rules) = answers {
      patterns = rules.map { NamePattern($0.name) }
    } else {
      patterns = []
    }
  }

  /// - Parameters:
  ///   - packet: from its IP header on.
  ///   - isWhole: whether that is all of it.
  ///   - moment: when it came.
  func treat(_ packet: [UInt8], isWhole: Bool = true, at moment: Int64) -> Treatment {
    guard isWhole else { return .unreadable }
    do throws(AnswerError) {
      let datagram = try UDPPacket(packet)
      switch answers {
      case .names(let rules): return try treat(datagram, rules)
      case .time(let shift):
        let offset = shift.offset(after: max(0, moment - begun))
        let reply = try NTPReply(datagram.payload).shifted(byNanoseconds: offset)
        return .change(afterNanoseconds: 0, try datagram.carrying(reply))
      }
    } catch {
      // A question that happens to come from that port is nobody's loss; what should have been changed is said to be missed.
      return error.isNobodysLoss ? .pass : .unreadable
    }
  }

  private func treat(_ datagram: UDPPacket, _ rules: [Fault.NameRule]) throws(AnswerError) -> Treatment {
    let answer = try DNSAnswer(datagram.payload)
    guard let index = patterns.firstIndex(where: { $0.matches(answer.name) }) else { return .pass }
    let rule = rules[index]
    let instead: [UInt8]?
    switch rule.change {
    case .silence: return .drop
    case .unchanged: instead = nil
    case .noSuchName: instead = answer.refused(.noSuchName)
    case .serverFailure: instead = answer.refused(.serverFailure)
    case .refusal: instead = answer.refused(.refusal)
    case .addresses(let addresses, let seconds):
      instead = answer.answered(addresses, timeToLiveSeconds: seconds)
      if instead == nil, rule.delayNanoseconds == 0 { return .pass }
    }
    guard let instead else { return .change(afterNanoseconds: rule.delayNanoseconds, nil) }
    return .change(afterNanoseconds: rule.delayNanoseconds, try datagram.carrying(instead))
  }
}
