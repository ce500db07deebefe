internal import Checks
internal import Support

/// The run as metrics in the Prometheus text format (version 0.0.4), for the textfile collector of a node exporter or a
/// push gateway. Only `run_info` carries the run's id: with it on every series, each run would leave a set of its own.
public func metricsReport(_ summary: RunSummary) -> String {
  var page = MetricsPage(scenario: summary.scenario)
  page.gauge(
    "run_info", "The last run: its id and seed.",
    [
      ([("run", summary.runID), ("seed", String(summary.seed))], 1)
    ])
  page.gauge(
    "run_started_timestamp_seconds", "When the run began, in seconds since 1970.",
    [
      ([], Double(summary.startedAt) / 1e9)
    ])
  page.gauge("run_seconds", "How long the run took.", [([], summary.seconds)])
  page.gauge("run_exit_code", "The exit code of the command.", [([], Double(summary.exitCode))])
  page.gauge("phase_seconds", "How long a phase took.", summary.phases.map { ([("phase", $0.name)], $0.seconds) })
  page.gauge(
    "item_verdict", "1 for the verdict that the checklist item has, 0 for the others.",
    summary.items.flatMap { item in
      VerdictKind.allCases.map { kind in
        ([("item", item.id), ("verdict", kind.rawValue)], item.verdict == kind ? 1 : 0)
      }
    })
  page.gauge(
    "anomalies", "Rows of the taxonomy of anomalies by how they stand.",
    RowVerdict.State.allCases.map { state in
      ([("state", state.rawValue)], Double(summary.anomalies.count { $0.state == state }))
    })
  page.gauge(
    "checker_kill_rate", "The share of planted errors that the checker found exactly, by family.",
    summary.killRates.filter { $0.planted > 0 }.map { rate in
      ([("family", rate.family)], Double(rate.killed) / Double(rate.planted))
    })
  page.gauge(
    "fault_packets_dropped", "Packets that a fault dropped.",
    summary.faults.map { ([("fault", $0.id)], Double($0.packetsDropped)) })
  page.gauge(
    "fault_in_force_seconds", "How long a fault was proven in force.",
    summary.faults.compactMap { fault in
      guard let start = fault.start, let end = fault.end else { return nil }
      return ([("fault", fault.id)], end - start)
    })
  page.gauge(
    "writes", "Writes of a region's producers by outcome.",
    summary.writes.flatMap { series in
      [("acknowledged", series.acknowledged), ("unknown", series.unknown), ("failed", series.failed)].map {
        ([("region", series.region), ("outcome", $0.0)], Double($0.1.reduce(0, +)))
      }
    })
  if let time = summary.recoveryTime {
    page.gauge("rto_seconds", "From the fault to restored service.", time.seconds.map { [([], $0)] } ?? [])
    page.gauge(
      "rto_stage_seconds", "A stage of the recovery.", time.stages.map { ([("stage", $0.name)], $0.seconds) })
  }
  if let point = summary.recoveryPoint {
    page.gauge("rpo_events", "Acknowledged events missing at promotion.", [([], Double(point.count))])
    page.gauge("rpo_seconds", "The time that those events span.", [([], point.seconds)])
    page.gauge("lost_events", "Acknowledged events that never arrived.", [([], Double(point.lost))])
  }
  return page.text
}

private struct MetricsPage {
  typealias Sample = (labels: [(name: String, value: String)], value: Double)

  let scenario: String
  var text = ""

  /// Adds a metric with its samples; one without samples is left out.
  mutating func gauge(_ name: String, _ help: String, _ samples: [Sample]) {
    guard !samples.isEmpty else { return }
    text += "# HELP blackstart_\(name) \(help)\n# TYPE blackstart_\(name) gauge\n"
    for sample in samples {
      let labels = ([("scenario", scenario)] + sample.labels.map { ($0.name, $0.value) })
        .map { "\($0.0)=\"\(labelEscaped($0.1))\"" }.joined(separator: ",")
      text += "blackstart_\(name){\(labels)} \(number(sample.value))\n"
    }
  }

  private func number(_ value: Double) -> String {
    guard value.isFinite else { return value.isNaN ? "NaN" : value > 0 ? "+Inf" : "-Inf" }
    return value == value.rounded() && abs(value) < 1e15 ? fixed(value, 0) : fixed(value, 6)
  }
}
