/// How an operation ended, as far as its caller can prove it.
///
/// The invariant that all verdicts rest on: **anything that is not provably without effect is `unknown`, never `fail`**.
/// A refused statement, a constraint violation, a connection that could not be opened are failures. A time-out, a
/// connection that broke after the request left, an answer that was not understood are unknown. Calling a failure unknown
/// only weakens a check; calling an unknown a failure makes a sound store look broken.
public enum Outcome: Sendable, Hashable, Codable {
  /// It took effect: the store said so.
  case ok
  /// It certainly had no effect, for this reason.
  case fail(OutcomeCode)
  /// It may have taken effect, may still take effect, or may never do.
  case unknown(OutcomeCode)
}
