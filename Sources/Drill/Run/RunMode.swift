/// How far a run goes.
public enum RunMode: String, Codable, Sendable, Hashable {
  /// Everything is done.
  case full
  /// Everything but arming: lab, workload, probes and checks. Its verdict is never a PASS.
  case dryRun = "dry-run"
}
