internal import Support

/// A message that is due at a time after something happened.
public struct Communication: Sendable, Hashable, Codable {
  /// Its name; unique in the scenario.
  public var id: String
  /// How long after ``anchor`` it must have been sent: T+5 is `5m`.
  @DurationText public var due: Duration
  /// What its time is counted from.
  public var anchor: Anchor
  /// Whom it is for, in words.
  public var audience: String
  /// Where it goes.
  public var sink: Sink
  /// What it says, with `${fact:name}` for what the journal knows.
  public var text: Template

  /// What a message's time is counted from.
  public enum Anchor: Sendable, Hashable, Codable {
    /// The fault of this id is in force.
    case fault(String)
    /// The fault of this id is noticed: write authority is lost, or an expectation of the steady state is broken.
    case detection(String)
    /// The step of this id is done.
    case step(String)
  }

  /// Where a message goes.
  public enum Sink: Sendable, Hashable, Codable {
    /// To the end of this file of the run directory.
    case file(String)
    /// To the standard input of this program.
    case command(CommandCall)
    /// Into the body of this request, as JSON.
    case webhook(HTTPCall)
  }

  /// A message from its parts.
  public init(id: String, due: Duration, anchor: Anchor, audience: String = "", sink: Sink, text: Template) {
    self.id = id
    self.due = due
    self.anchor = anchor
    self.audience = audience
    self.sink = sink
    self.text = text
  }
}

extension Communication.Anchor: CustomStringConvertible {
  /// `fault blackout`, `detection of blackout`.
  public var description: String {
    switch self {
    case .fault(let id): "fault \(id)"
    case .detection(let id): "detection of \(id)"
    case .step(let id): "step \(id)"
    }
  }
}
