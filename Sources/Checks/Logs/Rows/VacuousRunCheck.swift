internal import Events

/// L27, vacuous run: nothing was acknowledged, or nothing was read back, neither by a consumer nor in a dump. No other row can
/// have failed then, and none has passed. (Whether a fault was in force is the drill's to prove.)
struct VacuousRunCheck: LogCheck {
  static let anomaly = Anomaly.vacuousRun

  mutating func finish<Records>(_ ledger: LogLedger<Records>, _ findings: inout LogFindings) {
    let counts = ledger.counts
    let what: String
    if counts.acknowledged == 0 {
      what = "no record was acknowledged"
    } else if counts.polled == 0 && counts.dumped == 0 {
      what = "no record was read back"
    } else {
      return
    }
    findings.add(Self.anomaly, 0, Finding(Self.anomaly, what))
  }
}
