internal import Events
internal import Lab
internal import Scenarios
internal import Workload

/// The workers of a drill, numbered: producers first, so that their event identities are dense.
struct Crew {
  /// Ends producers and old leaders after their operation in flight.
  let writersStop = StopSignal()
  /// Ends consumers and tails likewise.
  let readersStop = StopSignal()

  private let producers: [Workload.Producer]
  private let oldLeaders: [Workload.OldLeader]
  private let consumers: [Workload.Consumer]
  private let tails: [LogTail]
  private let writing: Surroundings
  private let reading: Surroundings
  private let lag: MirrorLag

  init(run: DrillRun, site: Site) {
    let scenario = run.scenario
    let stores = scenario.topology.names(with: .store)
    var worker: UInt32 = 0
    var key: UInt32 = 0
    func nextWorker() -> UInt32 {
      defer { worker += 1 }
      return worker
    }
    func nextKeys(_ count: Int) -> UInt32 {
      defer { key += UInt32(count) }
      return key
    }

    var producers: [Workload.Producer] = []
    for group in scenario.workload.producers {
      for index in 0..<group.workers {
        // Dealt out so that each aggregate has one writer, also when the number does not divide.
        let count = max(1, group.keys / group.workers + (index < group.keys % group.workers ? 1 : 0))
        producers.append(
          Workload.Producer(
            worker: nextWorker(), name: group.name, region: group.region,
            rate: group.rate.perSecond / Double(group.workers),
            keys: (nextKeys(count), count)))
      }
    }
    self.producers = producers

    // The kept token is tried on every store: from the old leader's own region, and from the store's, which the old leader
    // cannot reach while it is cut off.
    var oldLeaders: [Workload.OldLeader] = []
    if let leader = scenario.workload.oldLeader {
      for store in stores {
        for region in Set([leader.region, store]).sorted() {
          oldLeaders.append(
            Workload.OldLeader(
              worker: nextWorker(), region: region, store: store, rate: leader.rate.perSecond, key: nextKeys(2)))
        }
      }
    }
    self.oldLeaders = oldLeaders
    consumers = scenario.workload.consumers.map {
      Workload.Consumer(worker: nextWorker(), group: $0.name, region: $0.region, store: $0.store)
    }
    tails = stores.map { LogTail(worker: nextWorker(), store: $0) }

    writing = Surroundings(
      recorder: run.recorder, counters: run.counters,
      connector: run.connector(to: site), authority: run.board,
      timebase: run.timebase, clock: run.clock, seed: run.request.plan.seed, stop: writersStop, traffic: run.traffic)
    var reading = writing
    reading.stop = readersStop
    self.reading = reading
    lag = run.lag
  }

  func startProducers(in group: inout ThrowingTaskGroup<Void, any Error>) {
    for producer in producers {
      group.addTask(name: "producer \(producer.worker)") { [writing] in await producer.run(in: writing) }
    }
  }

  func startReaders(in group: inout ThrowingTaskGroup<Void, any Error>) {
    for consumer in consumers {
      group.addTask(name: "consumer \(consumer.group)") { [reading] in await consumer.run(in: reading) }
    }
    for tail in tails {
      group.addTask(name: "tail of \(tail.store)") { [reading, lag] in await tail.run(mirrors: lag, in: reading) }
    }
  }

  func startOldLeaders(in group: inout ThrowingTaskGroup<Void, any Error>, token: Int64) {
    for leader in oldLeaders {
      group.addTask(name: "old leader on \(leader.store)") { [writing] in
        await leader.run(token: token, inflated: token + 1_000_000, in: writing)
      }
    }
  }
}
