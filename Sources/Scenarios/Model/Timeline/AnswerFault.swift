internal import Support

/// What a region is told by name or time servers of its peers, in a scenario's words. Answers over UDP only.
public enum AnswerFault: Sendable, Hashable, Codable {
  /// Answers about some names; the first that a name fits decides, and other names are let alone.
  case names([NameAnswer])
  /// The servers' time is so far ahead, and runs so much faster.
  case time(offset: Offset, drift: Drift)
}

/// What is answered about some names.
public struct NameAnswer: Sendable, Hashable, Codable {
  /// `db.example`, `*.example` for all below it, `*` for all.
  public var name: String
  /// What is answered; `nil` for what the server says.
  public var answer: Answer?
  /// How much later.
  @DurationText public var late: Duration

  /// An answer.
  public init(name: String, answer: Answer? = nil, late: Duration = .zero) {
    self.name = name
    self.answer = answer
    self.late = late
  }

  /// What can be answered.
  public enum Answer: Sendable, Hashable, Codable {
    /// An error, or nothing at all.
    case refusal(Refusal)
    /// These addresses of either family.
    case addresses([String])
  }

  /// An answer without addresses.
  public enum Refusal: String, Sendable, Hashable, Codable, CaseIterable {
    /// There is no such name.
    case nxdomain
    /// The server cannot answer.
    case servfail
    /// The server will not answer.
    case refused
    /// Nothing comes.
    case none
  }
}

extension AnswerFault: CustomStringConvertible {
  /// In words: `db.example: nxdomain, 2s late`.
  public var description: String {
    switch self {
    case .names(let names): "answers about \(names.map(\.description).joined(separator: "; about "))"
    case .time(let offset, let drift):
      "time servers \(offset.nanoseconds < 0 ? "-" : "+")"
        + Duration.nanoseconds(Int64(clamping: offset.nanoseconds.magnitude)).text
        + (drift.partsPerBillion == 0 ? "" : ", drifting by \(drift)")
    }
  }
}

extension NameAnswer: CustomStringConvertible {
  /// In words: `db.example: nxdomain, 2s late`.
  public var description: String {
    let what: String? =
      switch answer {
      case nil: nil
      case .refusal(let refusal): refusal == .none ? "no answer" : refusal.rawValue
      case .addresses(let addresses): addresses.joined(separator: " ")
      }
    let delay = late > .zero ? "\(late.text) late" : nil
    return "\(name): \([what, delay].compactMap(\.self).joined(separator: ", "))"
  }
}
