import Glibc
import Netlink
import Support
import Testing

@testable import Faults

@Suite(.serialized, .enabled(if: isRoot, "namespaces and packet queues need root")) struct DelayLineTests {
  /// A wire whose end `b` holds datagrams from `a` back.
  private func withLine<R: Sendable>(
    _ settings: DelayLine.Settings, family: IPAddress.Family = .v4, hook: NFTables.Hook = .prerouting,
    _ body: @escaping @Sendable (DelayLine, NumberedDatagrams, QueueRule) async throws -> R
  ) async throws -> R {
    try await Wire.with { wire in
      let side = hook == .prerouting ? wire.b : wire.a
      let line = try DelayLine(settings, name: "line", in: side)
      defer { line.close() }
      let rule = try QueueRule(line.queueNumber, in: side, hook: hook)
      let address = try #require(wire.addressesB.first { $0.family == family })
      return try await body(line, try NumberedDatagrams(from: wire.a, to: wire.b, at: address), rule)
    }
  }

  @Test(arguments: IPAddress.Family.allCases, [NFTables.Hook.prerouting, .postrouting])
  func packetsAreHeldForTheTimeAskedForInEitherDirection(_ family: IPAddress.Family, _ hook: NFTables.Hook) async throws
  {
    try await withLine(.init(delay: .init(.milliseconds(20))), family: family, hook: hook) { line, datagrams, _ in
      var sent: [Int64] = []
      for number in 0..<UInt32(50) {
        sent.append(try datagrams.send(number))
        usleep(1000)
      }
      let arrivals = datagrams.receiveAll(untilSilentMilliseconds: 2000, count: 50)
      #expect(arrivals.map(\.number) == Array(0..<50))
      // None too early; and one in time, for a busy machine may do what it likes with the rest.
      let shortest = try #require(zip(sent, arrivals).map { $1.nanoseconds - $0 }.min())
      #expect((20_000_000..<60_000_000).contains(shortest))
      // The line counts a moment after the packet is on its way.
      try await eventually("50 counted") { line.counters.released == 50 }
      #expect(line.counters.arrived == 50 && line.counters.held == 0)
      #expect(line.counters.missed == 0 && line.counters.flushed == 0 && line.counters.failure == nil)
      #expect(line.counters.medianErrorNanoseconds != nil)
    }
  }

  /// A moment that is past before the timer is set must not be swallowed: each packet is alone here, and no other comes
  /// to its help.
  @Test func aPacketWithATinyDelayNeedsNoOtherToGoOn() async throws {
    try await Wire.with { wire in
      let datagrams = try NumberedDatagrams(from: wire.a, to: wire.b, at: wire.addressesB[0])
      for microseconds in [0, 1, 5, 20, 60] {
        let delay = Fault.Delay(.microseconds(microseconds))
        let line = try DelayLine(.init(delay: delay), name: "line", in: wire.b)
        let rule = try QueueRule(line.queueNumber, in: wire.b)
        for number in 0..<UInt32(100) {
          try datagrams.send(number)
          // Less than the line's idle look at its queue, so that this cannot save it.
          #expect(datagrams.receive(withinMilliseconds: 200)?.number == number)
        }
        try await eventually("100 counted") { line.counters.released == 100 }
        line.close()
        rule.remove()
      }
    }
  }

  @Test func closingReleasesWhatIsHeldInOrderAndEverythingPassesAfterwards() async throws {
    try await withLine(.init(delay: .init(.seconds(60)))) { line, datagrams, _ in
      for number in 0..<UInt32(500) { try datagrams.send(number) }
      try await eventually("500 held") { line.counters.held == 500 }
      #expect(datagrams.receive(withinMilliseconds: 0) == nil)
      line.close()
      #expect(datagrams.receiveAll(untilSilentMilliseconds: 2000, count: 500).map(\.number) == Array(0..<500))
      #expect(line.counters.released == 500 && line.counters.held == 0 && line.counters.failure == nil)
      try datagrams.send(500)
      #expect(datagrams.receive(withinMilliseconds: 2000)?.number == 500)
      line.close()  // twice is allowed
    }
  }

  /// Without a pause between sending and closing: also what is on its way to the line's thread is not lost.
  @Test func closingLosesNothingInTheMiddleOfTraffic() async throws {
    try await Wire.with { wire in
      let datagrams = try NumberedDatagrams(from: wire.a, to: wire.b, at: wire.addressesB[0])
      for round in 0..<20 {
        let line = try DelayLine(.init(delay: .init(.milliseconds(5))), name: "line", in: wire.b)
        let rule = try QueueRule(line.queueNumber, in: wire.b)
        async let closing: Void = onOwnThread("close") { line.close() }
        for number in 0..<UInt32(2000) { try datagrams.send(number) }
        try await closing
        let arrived = Set(datagrams.receiveAll(untilSilentMilliseconds: 1000, count: 2000).map(\.number))
        #expect(arrived.count == 2000, "round \(round): \(2000 - arrived.count) lost, \(line.counters)")
        rule.remove()
      }
    }
  }

  /// The kernel drops what the queues of a namespace hold when any base chain is removed there. The line says so.
  @Test func whatTheKernelDropsIsCountedAndNotCalledReleased() async throws {
    try await Wire.with { wire in
      let line = try DelayLine(.init(delay: .init(.milliseconds(300))), name: "line", in: wire.b)
      defer { line.close() }
      let rule = try QueueRule(line.queueNumber, in: wire.b)
      defer { rule.remove() }
      let datagrams = try NumberedDatagrams(from: wire.a, to: wire.b, at: wire.addressesB[0])
      for number in 0..<UInt32(50) { try datagrams.send(number) }
      try await eventually("50 arrived") { line.counters.arrived == 50 }
      try removeSomeChain(in: wire.b)
      let arrived = UInt64(datagrams.receiveAll(untilSilentMilliseconds: 1000, count: 50).count)
      // One more, so that the line looks at what it was told.
      try datagrams.send(50)
      #expect(datagrams.receive(withinMilliseconds: 2000)?.number == 50)
      try await eventually("all counted") {
        line.counters.released == arrived + 1 && line.counters.flushed == 50 - arrived
      }
      #expect(line.counters.held == 0)
      #expect(line.counters.failure == nil)
    }
  }

  /// The kernel drops what the queues of a namespace hold when any base chain is removed there.
  @Test func releasingSavesWhatTheRemovalOfAnotherChainWouldDrop() async throws {
    try await Wire.with { wire in
      let line = try DelayLine(.init(delay: .init(.seconds(60))), name: "line", in: wire.b)
      defer { line.close() }
      let rule = try QueueRule(line.queueNumber, in: wire.b)
      defer { rule.remove() }
      let datagrams = try NumberedDatagrams(from: wire.a, to: wire.b, at: wire.addressesB[0])
      for number in 0..<UInt32(50) { try datagrams.send(number) }
      try await eventually("50 held") { line.counters.held == 50 }
      line.releaseHeld()
      try removeSomeChain(in: wire.b)
      #expect(datagrams.receiveAll(untilSilentMilliseconds: 1000, count: 50).count == 50)
      #expect(line.counters.released == 50 && line.counters.failure == nil)
      // The line goes on.
      try datagrams.send(50)
      try await eventually("1 held") { line.counters.held == 1 }
    }
  }

  @Test func jitterKeepsTheOrderUnlessToldOtherwise() async throws {
    for keepsOrder in [true, false] {
      let delay = Fault.Delay(.milliseconds(20), jitter: .milliseconds(15), keepsOrder: keepsOrder)
      try await withLine(.init(delay: delay, seed: 7)) { line, datagrams, _ in
        for number in 0..<UInt32(200) { try datagrams.send(number) }
        let numbers = datagrams.receiveAll(untilSilentMilliseconds: 2000, count: 200).map(\.number)
        #expect(numbers.count == 200)
        #expect((numbers == numbers.sorted()) == keepsOrder)
      }
    }
  }

  @Test func someOvertakeAndNoneIsLost() async throws {
    let settings = DelayLine.Settings(
      delay: .init(.milliseconds(30)), reorder: .init(0.25, gap: 1), seed: 3)
    try await withLine(settings) { line, datagrams, _ in
      for number in 0..<UInt32(400) { try datagrams.send(number) }
      let numbers = datagrams.receiveAll(untilSilentMilliseconds: 2000, count: 400).map(\.number)
      #expect(numbers.sorted() == Array(0..<400))
      // The overtakers come first, in order; then the others, in order.
      let overtakers = numbers.prefix { $0 != numbers.min { $0 < $1 } || numbers.first == $0 }
      #expect(!overtakers.isEmpty && numbers != numbers.sorted())
      #expect(line.counters.flushed == 0)
    }
  }

  @Test func thePatternOfLossIsTheSameInTwoRuns() async throws {
    let lost: [UInt32] = [0, 3, 4, 5, 17, 49]
    let settings = DelayLine.Settings(
      delay: .init(.milliseconds(1)), losses: .init(period: 50, numbers: lost), seed: 1)
    for _ in 0..<2 {
      try await withLine(settings) { line, datagrams, _ in
        for number in 0..<UInt32(100) { try datagrams.send(number) }
        let expected = (0..<UInt32(100)).filter { !lost.contains($0 % 50) }
        #expect(
          datagrams.receiveAll(untilSilentMilliseconds: 1000, count: expected.count).map(\.number) == expected)
        #expect(datagrams.receive(withinMilliseconds: 50) == nil)
        try await eventually("12 counted") { line.counters.lost == 12 }
      }
    }
  }

  /// What the sender's own kernel drops behind the queue is no error to the sender.
  @Test func aLossOnTheWayOutIsUnknownToTheSender() async throws {
    let settings = DelayLine.Settings(losses: .init(period: 1, numbers: [0]))
    try await withLine(settings, hook: .postrouting) { line, datagrams, _ in
      for number in 0..<UInt32(20) { try datagrams.send(number) }
      #expect(datagrams.receive(withinMilliseconds: 100) == nil)
      try await eventually("20 counted") { line.counters.lost == 20 }
    }
  }

  @Test func whatDoesNotFitIsDroppedAndCounted() async throws {
    let settings = DelayLine.Settings(delay: .init(.seconds(60)), packetsPerSecond: 1)
    #expect(settings.capacity == 1024)
    try await withLine(settings) { line, datagrams, _ in
      for number in 0..<UInt32(1500) { try datagrams.send(number) }
      try await eventually("1500 arrived") { line.counters.arrived == 1500 }
      #expect(line.counters.held == 1024 && line.counters.overflowed == 476 && line.counters.mostHeld == 1024)
      line.close()
      #expect(datagrams.receiveAll(untilSilentMilliseconds: 1000, count: 1024).map(\.number) == Array(0..<1024))
    }
  }

  @Test func packetsPassWhenTheLineIsForgotten() async throws {
    try await Wire.with { wire in
      var line: DelayLine? = try DelayLine(.init(delay: .init(.seconds(60))), name: "line", in: wire.b)
      let number = try #require(line?.queueNumber)
      let rule = try QueueRule(number, in: wire.b)
      defer { rule.remove() }
      let datagrams = try NumberedDatagrams(from: wire.a, to: wire.b, at: wire.addressesB[0])
      try datagrams.send(0)
      try await eventually("1 held") { line?.counters.held == 1 }
      line = nil
      #expect(datagrams.receive(withinMilliseconds: 5000)?.number == 0)
      try await eventually("no queue is left") { try PacketQueue.list(in: wire.b).isEmpty }
    }
  }

  /// As the holder of a node uses it: from a thread inside the namespace that has a table of descriptors of its own.
  @Test func aLineCanBeOpenedAndClosedByAHoldersThread() async throws {
    try await Wire.with { wire in
      let holder = try FaultHolder(node: "b", namespace: wire.b) { _ in }
      try await holder.thread.run { _ in
        // Not the process's, in which other tests open and close their own meanwhile.
        let own = try openDescriptors()
        let line = try DelayLine(.init(delay: .init(.milliseconds(1))), name: "line")
        // The line's sockets are not in this thread's table; what wakes the line is.
        #expect(try openDescriptors().count == own.count + 1)
        #expect(try PacketQueue.list().map(\.number) == [line.queueNumber])
        line.close()
        #expect(try openDescriptors() == own)
        #expect(try PacketQueue.list().isEmpty)
      }
      await holder.close()
    }
  }

  @Test func linesOfOneNamespaceGetDifferentQueues() async throws {
    try await Wire.with { wire in
      let lines = try (0..<3).map { try DelayLine(.init(), name: "line \($0)", in: wire.b) }
      #expect(Set(lines.map(\.queueNumber)).count == 3)
      lines.forEach { $0.close() }
      #expect(try PacketQueue.list(in: wire.b).isEmpty)
    }
  }
}

/// Makes a chain that packets meet, and removes it.
private func removeSomeChain(in namespace: NetworkNamespace) throws {
  let connection = try NFTables.Connection(in: namespace)
  defer { connection.close() }
  let table = NFTables.TableID(.inet, "other")
  try connection.commit(
    .init([.addTable(table, flags: []), .addChain(table, name: "c", hook: .prerouting, priority: 0)]))
  try connection.commit(.init([.deleteTable(table)]))
}

/// What the calling thread has open, but for the listing itself.
private func openDescriptors() throws -> Set<Int32> {
  var found: Set<Int32> = []
  let listing = try #require(opendir("/proc/thread-self/fd"))
  defer { closedir(listing) }
  while let entry = readdir(listing) {
    let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    if let number = Int32(name), number != dirfd(listing) { found.insert(number) }
  }
  return found
}
