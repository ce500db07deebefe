internal import Faults
internal import Support

/// What the delay line adds to what was asked for, and what it costs.
let delayLineMeasure = Measure(
  name: "delay-line", summary: "latency made by a packet queue: its error, packets a second, TCP throughput"
) { bench in
  try await withNodes(2) { nodes in
    let (from, to) = (nodes[0], nodes[1])
    var figures = try await delayErrors(bench, from, to)
    figures += try await packetCosts(bench, from, to)
    return figures + (try await streamCosts(bench, from, to))
  }
}

/// How much later than asked for datagrams arrive, one a millisecond; the bare path beside it.
private func delayErrors(_ bench: Bench, _ from: BenchNode, _ to: BenchNode) async throws -> [Figure] {
  let count = bench.size(quick: 200, full: 5000)
  let base = try await datagramTimes(from: from, to: to, count: count)
  var figures = [Figure(what: "bare path", samples: base)]
  for milliseconds in [1, 10, 50, 250] {
    let path = try DelayedPath(
      .init(delay: .init(.milliseconds(milliseconds))), at: to, protocol: DelayedPath.datagrams)
    defer { path.close() }
    let times = try await datagramTimes(from: from, to: to, count: count)
    figures.append(
      Figure(
        what: "\(milliseconds) ms: arrives late by", samples: times.shifted(by: -Int64(milliseconds) * 1_000_000),
        note: "of that the line \(errors(path.line))"))
  }
  let path = try DelayedPath(
    .init(delay: .init(.milliseconds(10), jitter: .milliseconds(2), distribution: .normal), seed: bench.seed), at: to,
    protocol: DelayedPath.datagrams)
  defer { path.close() }
  let times = try await datagramTimes(from: from, to: to, count: count)
  figures.append(Figure(what: "10 ± 2 ms, normal: takes", samples: times, note: "late by \(errors(path.line))"))
  return figures
}

private func errors(_ line: DelayLine) -> String {
  let counters = line.counters
  return "\(brief(counters.medianErrorNanoseconds)) median, \(brief(counters.highErrorNanoseconds)) p99"
}

/// Time a datagram of a flood; only those count that were held as asked for.
private func packetCosts(_ bench: Bench, _ from: BenchNode, _ to: BenchNode) async throws -> [Figure] {
  let cases: [(String, DelayLine.Settings)] = [
    ("0 ms", .init()), ("1 ms", .init(delay: .init(.milliseconds(1)))),
    ("50 ms", .init(delay: .init(.milliseconds(50)))),
    (
      "50 ± 10 ms, any order",
      .init(delay: .init(.milliseconds(50), jitter: .milliseconds(10), keepsOrder: false), seed: bench.seed)
    ),
  ]
  let milliseconds = Int64(bench.size(quick: 200, full: 2000))
  var base = Samples()
  var costs = cases.map { _ in Samples() }
  var notes = cases.map { _ in "" }
  for _ in 0..<bench.size(quick: 1, full: 5) {
    let bare = try await flood(from: from, to: to, milliseconds: milliseconds)
    base.add(bare.nanoseconds / Int64(max(1, bare.delivered)))
    for (index, item) in cases.enumerated() {
      let path = try DelayedPath(item.1, at: to, protocol: DelayedPath.datagrams)
      let result = try await flood(from: from, to: to, milliseconds: milliseconds)
      let counters = path.line.counters
      path.close()
      let held = counters.released + counters.held
      costs[index].add(result.nanoseconds / Int64(max(1, held)))
      notes[index] =
        "of \(result.sent) sent: \(held) held, \(counters.overflowed) dropped, "
        + "\(result.sent - min(result.sent, counters.arrived)) passed"
    }
  }
  return [Figure(what: "bare path: time a packet", samples: base, base: base)]
    + cases.indices.map { index in
      Figure(what: "\(cases[index].0): time a packet", samples: costs[index], base: base, note: notes[index])
    }
}

/// Time for one gigabyte over one TCP connection.
private func streamCosts(_ bench: Bench, _ from: BenchNode, _ to: BenchNode) async throws -> [Figure] {
  let milliseconds = Int64(bench.size(quick: 300, full: 3000))
  let delays = [0, 10, 50]
  var base = Samples()
  var costs = delays.map { _ in Samples() }
  func time(_ bytesPerSecond: Double) -> Int64 { Int64(1e18 / max(1, bytesPerSecond)) }
  for _ in 0..<bench.size(quick: 1, full: 3) {
    base.add(time(try await streamRate(from: from, to: to, milliseconds: milliseconds)))
    for (index, delay) in delays.enumerated() {
      let path = try DelayedPath(
        .init(delay: .init(.milliseconds(delay))), at: to, protocol: DelayedPath.streams)
      defer { path.close() }
      costs[index].add(time(try await streamRate(from: from, to: to, milliseconds: milliseconds)))
    }
  }
  func gigabits(_ samples: Samples) -> String {
    samples.median.map { "\(fixed(8e9 / Double($0), 1)) Gbit/s" } ?? ""
  }
  return [Figure(what: "bare path: TCP, a gigabyte", samples: base, base: base, note: gigabits(base))]
    + delays.indices.map { index in
      Figure(
        what: "\(delays[index]) ms: TCP, a gigabyte", samples: costs[index], base: base, note: gigabits(costs[index]))
    }
}
