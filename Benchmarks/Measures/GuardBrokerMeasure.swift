internal import Glibc
internal import Lab
internal import Netlink
internal import Stacks
internal import Support

/// Records through the admin guard of a lab's broker and past it, turn by turn, by bare librdkafka.
let guardBrokerMeasure = Measure(
  name: "guard-broker", summary: "records acknowledged by a real broker, through its admin guard and past it"
) { bench in
  if let absent = figureWithoutKafka() { return [absent] }
  var specification = LabSpecification(
    id: "bench\(getpid())", regions: [RegionSpecification("east", [.store, .control, .quorum, .broker])],
    preferredWriter: "east")
  specification.kafka = KafkaLabSettings(
    topics: [
      // The log is let go of as it grows: what is measured is the way to it.
      KafkaTopicSpecification("orders", partitions: 1, configuration: ["retention.bytes": "\(64 << 20)"])
    ], hasAdminGuard: true)
  let lab = try await Lab.up(
    specification,
    LabSurroundings(
      stateDirectory: "\(bench.workspace)/state", logsDirectory: "\(bench.workspace)/logs",
      program: try toolPath(bench.tool)))
  let outcome: Result<[Figure], any Error>
  do { outcome = .success(try await figures(bench, lab)) } catch { outcome = .failure(error) }
  try await lab.down()
  return try outcome.get()
}

private func figures(_ bench: Bench, _ lab: Lab) async throws -> [Figure] {
  guard let region = lab.region("east"), let guarded = region.kafka, let direct = region.innerKafka else {
    throw Problem(.fail, "the lab has no cluster in east")
  }
  return try await guardedContest(
    "", direct: direct, guarded: guarded, networkNamespace: region.namespace.fileDescriptor, bench)
}

/// Records of three sizes by bare librdkafka, directly and through a guard, turn by turn.
///
/// - Parameter how: what the figures say of all of them, before the size.
func guardedContest(
  _ how: String, direct: KafkaProperties, guarded: KafkaProperties, networkNamespace: Int32?, _ bench: Bench
) async throws -> [Figure] {
  var figures: [Figure] = []
  for (name, bytes, width) in [
    ("100 bytes, 1 under way", 100, 1), ("500 bytes", 500, 10_000), ("100 KiB", 100 << 10, 64),
  ] {
    var (one, other) = (Samples(), Samples())
    for round in 0...bench.size(quick: 2, full: 20) {
      // Neither always comes first.
      let before = round % 2 == 1 ? try await write(bytes, width, to: guarded, networkNamespace, bench) : nil
      let past = try await write(bytes, width, to: direct, networkNamespace, bench)
      let after = round % 2 == 1 ? nil : try await write(bytes, width, to: guarded, networkNamespace, bench)
      guard round > 0, let through = before ?? after else { continue }  // the first one connects, and warms up
      one.add(past)
      other.add(through)
    }
    let share = other.ratio(to: one).map { "\(fixed(1 / $0, 2)) of the direct throughput" } ?? ""
    figures.append(Figure(what: "\(how)a record of \(name): direct", samples: one))
    figures.append(Figure(what: "\(how)a record of \(name): guarded", samples: other, base: one, note: share))
  }
  return figures
}

// Inlined into what calls it, Swift 6.3 crashes when it splits the coroutine.
/// One turn.
///
/// - Returns: nanoseconds a record.
@inline(never)
private func write(
  _ bytes: Int, _ width: Int, to cluster: KafkaProperties, _ networkNamespace: Int32?, _ bench: Bench
) async throws -> Int64 {
  var properties = [
    "bootstrap.servers": cluster.bootstrap.joined(separator: ","), "enable.idempotence": "true",
    "linger.ms": width == 1 ? "0" : "5", "batch.size": "\(1 << 20)", "message.max.bytes": "\(2 << 20)",
  ]
  for (name, value) in cluster.values {
    if case .text(let text) = value { properties[name] = text }
  }
  let turn: Duration = bench.isQuick ? .milliseconds(300) : .seconds(1)
  return try await onOwnThread("producer", networkNamespace: networkNamespace) { [properties] in
    let producer = try BareProducer(properties)
    // Connected before it is measured.
    _ = try producer.write(
      to: "orders", partition: 0, value: [1], headers: [], width: 1, until: Timebase.system.monotonic() + 20_000_000)
    let begun = Timebase.system.monotonic()
    let written = try producer.write(
      to: "orders", partition: 0, value: [UInt8](repeating: 120, count: bytes), headers: [], width: width,
      until: begun + turn.nanoseconds)
    return (Timebase.system.monotonic() - begun) / Int64(max(1, written))
  }
}
