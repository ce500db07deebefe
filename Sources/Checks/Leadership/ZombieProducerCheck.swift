internal import Events

/// E10, zombie producer: in a log, a record of an old producer epoch follows one of a newer epoch of the same transactional id:
/// the coordinator fenced the old producer, and a broker took its writes all the same.
struct ZombieProducerCheck: AnomalyCheck {
  static let anomalies: Set<Anomaly> = [.zombieProducer]

  private struct Place: Hashable {
    var log: String
    var transactionalID: String
  }

  private var epochs: [Place: Int32] = [:]
  private var findings = FindingBuffer()
  private(set) var appends = 0

  mutating func take(_ append: ProducerAppend) {
    appends += 1
    let place = Place(log: append.log, transactionalID: append.transactionalID)
    let newest = epochs[place] ?? .min
    epochs[place] = max(newest, append.epoch)
    guard append.epoch < newest else { return }
    findings.add(
      Finding(
        .zombieProducer,
        "\(append.log) took \(append.event?.description ?? "a record") of \(append.transactionalID) with epoch \(append.epoch) after one "
          + "with epoch \(newest)", events: append.event.map { [$0] } ?? [], store: append.log,
        tokens: [Int64(append.epoch), Int64(newest)], positions: [append.offset]))
  }

  mutating func drain() -> [Finding] { findings.drain() }
}
