/// An anomaly that a scenario permits: the stack shows it by design, in this drill. It is looked for and told like any other, and
/// fails nothing.
public struct PermittedAnomaly: Sendable, Hashable, Codable {
  /// The row of docs/anomalies.md, such as `E3`.
  public var anomaly: String
  /// Why the stack may do it, for the one who reads the verdict.
  public var because: String

  /// A permission with its reason.
  public init(_ anomaly: String, because: String) {
    self.anomaly = anomaly
    self.because = because
  }

  /// Every row that can be permitted, with its name: those of the taxonomy that drills are checked by. This room does not know
  /// the checks; a test holds the two together.
  public static let rows: [(row: String, name: String)] = [
    ("L1", "lost-write"), ("L2", "tail-loss"), ("L3", "duplicate-append"), ("L4", "inconsistent-offset"),
    ("L5", "offset-regression"), ("L6", "aborted-read"), ("L7", "intermediate-read"), ("L8", "torn-transaction"),
    ("L9", "write-cycle"), ("L10", "information-cycle"), ("L12", "precommitted-read"),
    ("L13", "internal-nonmonotonic-poll"), ("L14", "nonmonotonic-poll"), ("L15", "poll-skip"),
    ("L16", "nonmonotonic-send"), ("L17", "send-skip"), ("L18", "key-order-inversion"), ("L19", "unknown-value"),
    ("L20", "corrupted-payload"), ("L21", "misrouted-key"), ("L22", "committed-too-far"),
    ("L23", "committed-regress"), ("L24", "unassigned-consumption"), ("L25", "retention-loss"),
    ("L27", "vacuous-run"), ("M1", "mirror-missing"), ("M2", "mirror-duplicate"), ("M3", "mirror-reorder"),
    ("M4", "mirror-mutation"), ("M5", "mirror-divergence"), ("M6", "translation-overshoot"),
    ("M7", "translation-undershoot"), ("M8", "translation-beyond-end"), ("M9", "checkpoint-regress"),
    ("M10", "checkpoint-stale"), ("M11", "group-offset-clobber"), ("M12", "heartbeat-gap"), ("M13", "mirror-loop"),
    ("M15", "truncation-skip"), ("M16", "topic-recreated"), ("M17", "lag-not-zero"),
    ("M18", "translation-unexplained"), ("M19", "sync-point-false"), ("E1", "two-leaders-one-term"),
    ("E2", "token-regress"),
    ("E3", "lease-overlap"), ("E4", "stale-token-accepted"), ("E5", "unsealed-window"),
    ("E6", "current-token-rejected"), ("E7", "accept-mismatch"), ("E8", "election-late"), ("E9", "holder-past-lease"),
    ("E10", "zombie-producer"), ("E11", "leadership-flapping"), ("E12", "minority-leader"),
    ("D1", "recovery-point-missed"), ("D2", "recovery-point-age"), ("D3", "recovery-time-missed"),
    ("D4", "dual-writers"), ("D5", "divergent-suffix"), ("D6", "failback-duplicates"), ("D7", "replayed-effects"),
    ("D8", "cross-failover-order"), ("D10", "event-store-fork"), ("D11", "non-convergence"),
  ]
}
