import Testing

@testable import Netlink

/// Bytes that `tc` (iproute2 6.1) sent, seen with `strace -e trace=sendmsg -e write=all tc …`. It leaves out what is
/// zero and its 64-bit times; we write all of it, so attributes are compared one by one.
@Suite struct TrafficControlEncodingTests {
  private static func portion(_ fraction: Double) -> Portion { Portion(fraction) ?? .none }

  private func options(_ discipline: Discipline, overwrites: Bool = false) throws -> ArraySlice<UInt8> {
    var writer = MessageWriter()
    try discipline.write(to: &writer, overwrites: overwrites)
    let attributes = try Attribute.list(writer.finish()[...])
    #expect(try attributes.require(1, "kind").text("kind") == discipline.kind)
    return try attributes.require(2, "options").payload
  }

  private func emulator(_ change: (inout Netem) -> Void) -> Netem {
    var netem = Netem(limitPackets: 1000)
    change(&netem)
    return netem
  }

  /// `tc qdisc add dev ifx root handle 1: netem limit 5000 delay 50ms 10ms 25% loss random 1% 10% duplicate 2% 5%
  /// corrupt 3% 4% reorder 7% 50% gap 5 rate 10mbit`
  @Test func everyNumberOfTheEmulatorStandsWhereTcPutsIt() throws {
    let netem = emulator {
      $0.limitPackets = 5000
      ($0.delayNanoseconds, $0.jitterNanoseconds) = (50_000_000, 10_000_000)
      $0.delayCorrelation = Self.portion(0.25)
      $0.loss = .random(Self.portion(0.01), correlation: Self.portion(0.1))
      ($0.duplicate, $0.duplicateCorrelation) = (Self.portion(0.02), Self.portion(0.05))
      ($0.corrupt, $0.corruptCorrelation) = (Self.portion(0.03), Self.portion(0.04))
      ($0.reorder, $0.reorderCorrelation, $0.reorderGap) = (Self.portion(0.07), Self.portion(0.5), 5)
      $0.bytesPerSecond = 1_250_000
    }
    let bytes = try options(.netem(netem))
    // Without the word for jitter, which tc rounds to 156250 ticks as we do: 10 ms / 64 ns.
    #expect(hex(bytes.prefix(24)) == "c2eb0b0088130000295c8f020500000052b81e055a620200")
    let attributes = try Attribute.list(bytes.dropFirst(24))
    #expect(hex(try attributes.require(1, "CORR").payload) == "000000409a999919cdcccc0c")
    #expect(hex(try attributes.require(3, "REORDER").payload) == "1f85eb1100000080")
    #expect(hex(try attributes.require(4, "CORRUPT").payload) == "7b14ae07a4703d0a")
    #expect(hex(try attributes.require(6, "RATE").payload) == "d0121300000000000000000000000000")
    #expect(hex(try attributes.require(10, "LATENCY64").payload) == "80f0fa0200000000")
    #expect(hex(try attributes.require(11, "JITTER64").payload) == "8096980000000000")
    #expect(attributes.map(\.type) == [1, 3, 4, 6, 7, 10, 11, 12], "all of them, and no model of loss")
  }

  /// `netem delay 100us loss gemodel 1% 10% 70% 0.1%` and `netem loss state 1% 20% 30% 4% 5%`
  @Test func modelsOfLossAreWrittenAsTcWritesThem() throws {
    let bursts = emulator {
      $0.delayNanoseconds = 100_000
      $0.loss = .gilbertElliott(
        toBad: Self.portion(0.01), toGood: Self.portion(0.1), lossWhenBad: Self.portion(0.7),
        lossWhenGood: Self.portion(0.001))
    }
    var bytes = try options(.netem(bursts))
    #expect(hex(bytes.prefix(24)) == "1a060000e8030000" + String(repeating: "0", count: 32))
    #expect(
      hex(try Attribute.list(bytes.dropFirst(24)).require(5, "LOSS").payload)
        == "14000200295c8f029a999919cdcccc4c37894100")
    let states = emulator {
      $0.loss = .fourState(
        p13: Self.portion(0.01), p31: Self.portion(0.2), p32: Self.portion(0.3), p14: Self.portion(0.05),
        p23: Self.portion(0.04))
    }
    bytes = try options(.netem(states))
    #expect(
      hex(try Attribute.list(bytes.dropFirst(24)).require(5, "LOSS").payload)
        == "18000100295c8f0233333333cccccc4ccdcccc0ca4703d0a")
  }

  /// `netem slot 800us 1000us packets 32 bytes 65536` and `netem rate 100gbit 20`
  @Test func slotsAndWideRatesAreWrittenAsTcWritesThem() throws {
    let netem = emulator {
      $0.slots = .init(minimumNanoseconds: 800_000, maximumNanoseconds: 1_000_000, packets: 32, bytes: 65536)
      $0.bytesPerSecond = 12_500_000_000
      $0.packetOverheadBytes = 20
    }
    let attributes = try Attribute.list(try options(.netem(netem)).dropFirst(24))
    #expect(
      hex(try attributes.require(12, "SLOT").payload)
        == "00350c000000000040420f0000000000200000000000010000000000000000000000000000000000")
    #expect(hex(try attributes.require(8, "RATE64").payload) == "00dd0ee902000000")
    #expect(hex(try attributes.require(6, "RATE").payload) == "ffffffff140000000000000000000000")
  }

  /// The kernel keeps what a change does not mention; only the distribution cannot be taken back by a zero.
  @Test func aChangeAlsoForgetsTheDistribution() throws {
    let plain = emulator { $0.jitterNanoseconds = 1 }
    #expect(try Attribute.list(try options(.netem(plain)).dropFirst(24)).first(2) == nil)
    let replaced = try Attribute.list(try options(.netem(plain), overwrites: true).dropFirst(24))
    #expect(try replaced.require(2, "DELAY_DIST").payload.count == 8192)
    let shaped = emulator { $0.distribution = [-8192, 0, 8192] }
    let table = try Attribute.list(try options(.netem(shaped)).dropFirst(24)).require(2, "DELAY_DIST")
    #expect(hex(table.payload) == "00e000000020")
  }

  @Test(arguments: [
    Netem.Loss.random(.none), .random(Portion(rawValue: 7), correlation: Portion(rawValue: 8)),
    .gilbertElliott(
      toBad: Portion(rawValue: 1), toGood: Portion(rawValue: 2), lossWhenBad: .all, lossWhenGood: .none),
    .fourState(
      p13: Portion(rawValue: 1), p31: Portion(rawValue: 2), p32: Portion(rawValue: 3), p14: Portion(rawValue: 4),
      p23: Portion(rawValue: 5)),
  ])
  func anEmulatorIsReadBackAsItWasWrittenAndEveryTruncationOfItThrows(_ loss: Netem.Loss) throws {
    let netem = emulator {
      ($0.delayNanoseconds, $0.jitterNanoseconds) = (7, 5)
      $0.delayCorrelation = Portion(rawValue: 11)
      $0.loss = loss
      ($0.duplicate, $0.duplicateCorrelation) = (Portion(rawValue: 12), Portion(rawValue: 13))
      ($0.reorder, $0.reorderCorrelation, $0.reorderGap) = (Portion(rawValue: 14), Portion(rawValue: 15), 2)
      ($0.corrupt, $0.corruptCorrelation) = (Portion(rawValue: 16), Portion(rawValue: 17))
      ($0.bytesPerSecond, $0.packetOverheadBytes) = (1 << 40, -4)
      $0.slots = .init(minimumNanoseconds: 1, maximumNanoseconds: 2, packets: 3, bytes: 4)
      $0.seed = 0xFEED_FACE_CAFE_BEEF
    }
    let bytes = try options(.netem(netem))
    #expect(try Netem(decoding: bytes) == netem)
    // Cut between two attributes the rest is well-formed, only less.
    var boundaries: Set<Int> = [24]
    for attribute in try Attribute.list(bytes.dropFirst(24)) {
      let end = attribute.payload.endIndex - bytes.startIndex
      boundaries.formUnion(end...((end + 3) / 4 * 4))
    }
    for length in 0..<bytes.count where !boundaries.contains(length) {
      #expect(throws: WireError.self, "\(length)") { try Netem(decoding: bytes.prefix(length)) }
    }
  }

  /// `tc qdisc add dev ifx root handle 1: tbf rate 10mbit burst 10000 limit 50000`, and with `rate 100gbit burst 1000000
  /// limit 5000000`. tc adds tables of times, which the kernel reads only for link layers that it does not know.
  @Test func tokenBucketsAreWrittenAsTcWritesThem() throws {
    let slow = try Attribute.list(
      try options(.tokenBucket(.init(bytesPerSecond: 1_250_000, burstBytes: 10_000, queueBytes: 50_000))))
    #expect(
      hex(try slow.require(1, "PARMS").payload)
        == "03010000ffff0000d012130000000000000000000000000050c3000048e8010000000000")
    #expect(hex(try slow.require(6, "BURST").payload) == "10270000")
    let fast = try Attribute.list(
      try options(
        .tokenBucket(.init(bytesPerSecond: 12_500_000_000, burstBytes: 1_000_000, queueBytes: 5_000_000))))
    #expect(
      hex(try fast.require(1, "PARMS").payload)
        == "03010000ffff0000ffffffff000000000000000000000000404b4c00e204000000000000")
    #expect(hex(try fast.require(4, "RATE64").payload) == "00dd0ee902000000")
  }

  /// `tc qdisc add … htb default 16`, `tc class add dev ifx parent 1: classid 1:16 htb rate 10mbit burst 15000
  /// cburst 15000 quantum 60000`, `… pfifo limit 100`, `… bfifo limit 100000`
  @Test func classesAndPlainQueuesAreWrittenAsTcWritesThem() throws {
    let root = try Attribute.list(try options(.hierarchicalTokenBucket(defaultMinor: 0x16)))
    #expect(hex(try root.require(2, "INIT").payload) == "030000000a000000160000000000000000000000")
    #expect(hex(try options(.packetQueue(limit: 100))) == "64000000")
    #expect(hex(try options(.byteQueue(limit: 100_000))) == "a0860100")
    var writer = MessageWriter()
    try BucketClass(bytesPerSecond: 1_250_000, burstBytes: 15_000).write(to: &writer)
    let attributes = try Attribute.list(writer.finish()[...])
    #expect(
      hex(try attributes.require(2, "OPTIONS").nested().require(1, "PARMS").payload)
        == "03010000ffff0000d012130003010000ffff0000d01213006cdc02006cdc020060ea00000000000000000000")
  }

  @Test func handlesAreWrittenAsTcPrintsThem() {
    #expect(
      "\(TrafficHandle(major: 1, minor: 16)) \(TrafficHandle(major: 0x8001)) \(TrafficHandle.root)"
        == "1:10 8001:0 root")
  }

  @Test func portionsAreOfTheWholeAndOfNothingElse() throws {
    #expect(Portion(0) == Portion.none && Portion(1) == .all)
    for bad in [-0.001, 1.001, .nan, .infinity] { #expect(Portion(bad) == nil) }
    #expect(try #require(Portion(0.25)).complement.fraction - 0.75 < 1e-9)
    #expect(try #require(Portion(0.015)).description == "1.5 %" && Portion.all.description == "100 %")
  }

  @Test func aQueueIsLongEnoughForWhatWaitsInIt() {
    func held(_ rate: UInt64, _ delay: Int64, _ jitter: Int64) -> UInt32 {
      Netem.packetsHeld(packetsPerSecond: rate, delayNanoseconds: delay, jitterNanoseconds: jitter)
    }
    #expect(held(100_000, 50_000_000, 0) == 6250)
    #expect(held(100_000, 50_000_000, 10_000_000) == 11_250)
    #expect(held(10, 1_000_000, 0) == 1000, "never shorter than the kernel's own")
    #expect(held(.max, .max, .max) == .max)
    #expect(held(1000, -5, -5) == 1000)
  }
}

@Suite struct DelayDistributionTests {
  /// 8192 is one standard deviation, so that the jitter asked for is the jitter that comes.
  @Test(arguments: DelayDistribution.allCases) func tablesHaveMeanZeroAndDeviationOne(_ shape: DelayDistribution) {
    let values = shape.table.map { Double($0) / 8192 }
    let mean = values.reduce(0, +) / Double(values.count)
    let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
    #expect(values.count == 4096)
    #expect(abs(mean) < 0.002, "\(mean)")
    #expect(abs(variance.squareRoot() - 1) < 0.005, "\(variance.squareRoot())")
    #expect(shape.table == shape.table.sorted())
  }

  /// Skewness and the share within one deviation tell the shapes apart: 0 and 0.683 for a bell.
  @Test func shapesAreWhatTheirNamesSay() {
    func moments(_ shape: DelayDistribution) -> (skewness: Double, within: Double) {
      let values = shape.table.map { Double($0) / 8192 }
      return (
        values.reduce(0) { $0 + $1 * $1 * $1 } / Double(values.count),
        Double(values.count { abs($0) <= 1 }) / Double(values.count)
      )
    }
    let (bell, tail, mixed) = (moments(.normal), moments(.pareto), moments(.paretonormal))
    #expect(abs(bell.skewness) < 0.01 && abs(bell.within - 0.6827) < 0.005)
    #expect(tail.skewness > 1.5 && tail.within > 0.75)
    #expect(mixed.skewness > 0.3 && mixed.skewness < tail.skewness)
    #expect(DelayDistribution.uniform.first == -8190 && DelayDistribution.uniform.last == 8190)
  }
}
