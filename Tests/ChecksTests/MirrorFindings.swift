import Checks
import Events

/// What suites about mirrors need: records, and what the checks find in a sequence of events.
protocol MirrorFindings {}

extension MirrorFindings {
  func record(_ number: UInt64, at offset: Int64, key: UInt64 = 1) -> MirrorRecord {
    MirrorRecord(event: EventID(producer: 0, sequence: number), offset: offset, key: key, checksum: number)
  }

  func find(_ expectations: MirrorExpectations, _ events: [MirrorEvent]) -> [Finding] {
    var checks = MirrorChecks(expectations)
    for event in events { checks.take(event) }
    return checks.drain()
  }

  func anomalies(_ findings: [Finding]) -> [String] { findings.map(\.anomaly) }
}
