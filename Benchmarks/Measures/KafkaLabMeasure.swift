internal import Glibc
internal import Lab
internal import Netlink
internal import Stacks
internal import Support

/// The lab with Kafka, up until a record that was written in one region was read in the other, and down.
let kafkaLabMeasure = Measure(
  name: "kafka-lab",
  summary:
    "three regions with etcd, PostgreSQL, control planes and two Kafka clusters that mirror each other, up and down"
) { bench in
  if let absent = figureWithoutKafka() { return [absent] }
  let tool = try toolPath(bench.tool)
  var (cold, up, first, down) = (Samples(), Samples(), Samples(), Samples())
  for run in 0...bench.size(quick: 1, full: 10) {
    let surroundings = LabSurroundings(
      stateDirectory: "\(bench.workspace)/state", logsDirectory: "\(bench.workspace)/logs-\(run)", program: tool)
    let start = Timebase.system.monotonic()
    let lab = try await Lab.up(.kafka(id: "bench\(getpid())"), surroundings)
    let isUp = Timebase.system.monotonic()
    let outcome: Result<Int64, any Error>
    do { outcome = .success(try await firstMirrored(lab)) } catch { outcome = .failure(error) }
    let isDone = Timebase.system.monotonic()
    try await lab.down()
    down.add(Timebase.system.monotonic() - isDone)
    let mirrored = try outcome.get() - start
    // The first one makes the templates too.
    if run == 0 {
      cold.add(mirrored)
    } else {
      up.add(isUp - start)
      first.add(mirrored)
    }
  }
  return [
    Figure(what: "first record mirrored, templates made first", samples: cold, base: first),
    Figure(what: "up", samples: up, base: first, note: "a heartbeat of each region was read in the other"),
    Figure(what: "first record mirrored", samples: first, base: first),
    Figure(what: "down", samples: down, base: first),
  ]
}

/// - Returns: when a record written in east was read in eu.
private func firstMirrored(_ lab: Lab) async throws -> Int64 {
  guard let source = lab.region("east"), let target = lab.region("eu"), let from = source.kafka, let to = target.kafka
  else { throw Problem(.fail, "the lab has no clusters in east and eu") }
  let producer = try await KafkaProducer(
    from, name: "bench", networkNamespace: source.namespace.fileDescriptor, linger: .zero)
  let delivery = await producer.send(KafkaRecord(topic: MirrorStream.topic, partition: 0, value: [1]))
  await producer.close()
  guard case .acknowledged = delivery else { throw Problem(.fail, "the record was not acknowledged: \(delivery)") }
  let consumer = try await KafkaConsumer(
    to, name: "bench", group: "bench", networkNamespace: target.namespace.fileDescriptor)
  let mirrored = KafkaPartition(MirrorPolicy.standard.name(of: MirrorStream.topic, from: source.name), 0)
  try await consumer.assign([mirrored: .beginning])
  try await withDeadline(.seconds(60), "the first mirrored record") {
    while true {
      try Task.checkCancellation()
      do throws(KafkaFailure) {
        if try await !consumer.read(within: .milliseconds(20)).isEmpty { return }
      } catch {
        guard error.kind == .notFound else { throw error }  // the mirror has not made the topic yet
      }
    }
  }
  let read = Timebase.system.monotonic()
  await consumer.close()
  return read
}
