internal import Events
internal import Lab
internal import Netlink
internal import Scenarios
internal import Stacks
internal import Support
internal import Workload

/// Stores compared with each other, and with what was acknowledged.
extension StackOperator {
  private func regions(_ parity: Parity) -> [String] {
    parity.regions.isEmpty ? site.regions.filter { $0.store != nil }.map(\.name) : parity.regions
  }

  /// Compares bucket by bucket everything that each origin had written when this began; what is on its way is waited for.
  func verifyParity(_ parity: Parity) async throws -> String {
    let regions = regions(parity)
    guard regions.count > 1 else { throw StepFailure("parity needs two stores, there is \(regions.count)") }
    let cut = try await stack.ends(of: regions)
    var different: [String] = []
    var events: Int64 = 0
    let deadline = run.timebase.monotonic() + 20_000_000_000
    while true {
      let digests = try await stack.digests(of: regions, upTo: cut)
      different = Self.differences(digests)
      events = digests.values.first?.reduce(0) { $0 + $1.count } ?? 0
      if different.isEmpty { break }
      guard run.timebase.monotonic() < deadline else {
        throw StepFailure(
          "the stores differ in \(different.count) buckets: \(different.prefix(4).joined(separator: "; "))")
      }
      try await run.clock.sleep(for: .milliseconds(500))
    }
    return "\(regions.joined(separator: " and ")) hold the same \(events) events, bucket by bucket"
  }

  /// The buckets that not all stores have alike.
  static func differences(_ digests: [String: [LogDigest]]) -> [String] {
    var byBucket: [String: [String: LogDigest]] = [:]
    for (region, list) in digests {
      for digest in list { byBucket["\(digest.origin)/\(digest.bucket)", default: [:]][region] = digest }
    }
    return byBucket.sorted { $0.key < $1.key }.compactMap { bucket, seen in
      guard seen.count < digests.count || Set(seen.values.map(\.digest)).count > 1 else { return nil }
      let counts = digests.keys.sorted().map { "\($0) \(seen[$0]?.count ?? 0)" }
      return "bucket \(bucket): \(counts.joined(separator: ", ")) events"
    }
  }

  /// Looks for every acknowledged event in every store, and lists what is missing in a file of the run.
  func reconcile(_ parity: Parity, _ step: String) async throws -> String {
    let regions = regions(parity)
    let acknowledged = run.counters.acknowledgedEvents
    let deadline = run.timebase.monotonic() + 20_000_000_000
    while true {
      var missing: [String: [String]] = [:]
      for region in regions {
        let held = try await stack.heldEvents(in: region)
        let absent = EventRanges.subtract(held, from: acknowledged)
        if !absent.isEmpty { missing[region] = absent.map(\.description) }
      }
      if missing.isEmpty || run.timebase.monotonic() > deadline {
        try writeFile("\(run.request.directory.path)/reconcile-\(step).json", encodeJSON(missing, pretty: true))
        guard missing.isEmpty else {
          let texts = missing.sorted { $0.key < $1.key }.map { region, ids in
            "\(region) lacks \(ids.count) (\(ids.prefix(3).joined(separator: ", ")))"
          }
          throw StepFailure("acknowledged events are missing: \(texts.joined(separator: "; "))")
        }
        return
          "every acknowledged event, \(EventRanges.count(acknowledged)) in all, is in \(regions.joined(separator: " and "))"
      }
      try await run.clock.sleep(for: .milliseconds(500))
    }
  }
}

/// Sets of events as ranges of sequences by producer.
enum EventRanges {
  typealias Ranges = [UInt32: [ClosedRange<UInt64>]]

  /// The ranges of these events.
  static func ranges(_ events: some Sequence<EventID>) -> Ranges {
    var ranges: Ranges = [:]
    for event in Set(events).sorted() {
      if let last = ranges[event.producer]?.last, last.upperBound + 1 == event.sequence {
        ranges[event.producer]?.removeLast()
        ranges[event.producer]?.append(last.lowerBound...event.sequence)
      } else {
        ranges[event.producer, default: []].append(event.sequence...event.sequence)
      }
    }
    return ranges
  }

  /// How many events.
  static func count(_ ranges: Ranges) -> UInt64 {
    ranges.values.joined().reduce(0) { $0 + ($1.upperBound - $1.lowerBound + 1) }
  }

  /// The events of `whole` that are not in `part`, each by itself.
  static func subtract(_ part: Ranges, from whole: Ranges) -> [EventID] {
    whole.sorted { $0.key < $1.key }.flatMap { producer, ranges in
      var held = (part[producer] ?? [])[...]
      var absent: [EventID] = []
      for range in ranges {
        var next = range.lowerBound
        while next <= range.upperBound {
          while let first = held.first, first.upperBound < next { held.removeFirst() }
          if let first = held.first, first.contains(next) {
            next = first.upperBound + 1
          } else {
            absent.append(EventID(producer: producer, sequence: next))
            next += 1
          }
        }
      }
      return absent
    }
  }
}
