internal import Faults
internal import Netlink
internal import Scenarios
internal import Support

extension Fault.Answers {
  /// From a scenario's words.
  init(_ fault: AnswerFault) {
    self =
      switch fault {
      case .names(let names): .names(names.map(Fault.NameRule.init))
      case .time(let offset, let drift):
        .time(
          Fault.TimeShift(.nanoseconds(offset.nanoseconds), driftPartsPerBillion: drift.partsPerBillion))
      }
  }
}

extension Fault.NameRule {
  /// Short enough that what a resolver keeps of a wrong answer does not outlast the fault for long.
  private static let timeToLiveSeconds: UInt32 = 5

  fileprivate init(_ name: NameAnswer) {
    let change: Change =
      switch name.answer {
      case nil: .unchanged
      case .refusal(.nxdomain): .noSuchName
      case .refusal(.servfail): .serverFailure
      case .refusal(.refused): .refusal
      case .refusal(.none): .silence
      // What is no address was refused when the scenario was read.
      case .addresses(let addresses):
        .addresses(addresses.compactMap { IPAddress($0) }, timeToLiveSeconds: Self.timeToLiveSeconds)
      }
    self.init(name.name, change, delay: name.late)
  }
}
