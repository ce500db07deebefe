internal import Netlink
internal import Support

extension Fault.Answers {
  /// In a few words, for plans: `answers about db.example: NXDOMAIN`, `time servers +5s`.
  var words: String {
    switch self {
    case .names(let rules): "answers about \(rules.map(\.words).joined(separator: "; about "))"
    case .time(let shift): "time servers \(shift.words)"
    }
  }

  /// What to expect, and what is out of reach.
  var accuracy: String {
    switch self {
    case .names:
      "every answer over UDP; those over TCP, TLS and HTTPS are not changed, and what a resolver has cached it keeps"
    case .time: "exact to 1 ns; authenticated answers (longer than 48 bytes) pass unchanged and are counted as such"
    }
  }
}

extension Fault.NameRule {
  fileprivate var words: String {
    let late = delayNanoseconds > 0 ? "\(Duration.nanoseconds(delayNanoseconds).text) late" : nil
    let what: String? =
      switch change {
      case .unchanged: nil
      case .silence: "none"
      case .noSuchName: "NXDOMAIN"
      case .serverFailure: "SERVFAIL"
      case .refusal: "REFUSED"
      case .addresses(let addresses, _): addresses.map(\.description).joined(separator: " ")
      }
    return "\(name): \([what, late].compactMap { $0 }.joined(separator: ", "))"
  }
}

extension Fault.TimeShift {
  fileprivate var words: String {
    let sign = offsetNanoseconds < 0 ? "−" : "+"
    let offset = Duration.nanoseconds(Int64(clamping: offsetNanoseconds.magnitude)).text
    return "\(sign)\(offset)" + (driftPartsPerBillion == 0 ? "" : ", drifting by \(driftPartsPerBillion) ppb")
  }
}
