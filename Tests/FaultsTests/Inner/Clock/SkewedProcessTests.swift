import Glibc
import Support
import Testing

@testable import Faults

private let second: Int64 = 1_000_000_000

/// What the program's clocks say against the true difference of the clocks.
private func error(_ file: SharedFile, _ word: Int) -> Int64 {
  file.word(word) - (readClock(0) - readClock(1))
}

private func rounds(_ file: SharedFile, _ count: Int64 = 2) async throws -> Bool {
  let now = file.word(4)
  return try await eventually(within: .seconds(10)) { file.word(4) > now + count }
}

@Suite(.enabled(if: isRoot, "needs root to trace")) struct SkewedProcessTests {
  /// Killed in the middle of a reading, we leave a thread with a call laid out in it. It makes the call, comes back by itself and
  /// goes on where it stood, in a system call or out of one, with its own signal mask.
  @Test func aThreadThatIsLeftInAReadingComesBackByItself() async throws {
    try await TestProgram.clock().run { child, file in
      let template = try ClockTemplate(tag: 0x99)
      let identity = child.identity
      func mask() throws -> String? {
        String(decoding: try readFile("/proc/\(identity.pid)/status"), as: UTF8.self).split(separator: "\n")
          .first { $0.hasPrefix("SigBlk:") }.map(String.init)
      }
      let before = try mask()
      let skewed = try SkewedProcess(identity, template: template, timebase: .system)
      try skewed.writeStub()
      for round in 0..<200 {
        try TracerThread.once { try skewed.leaveInReading(0, $0) }
        if round % 20 == 0 { #expect(try await rounds(file), "it goes on after \(round)") }
        usleep(UInt32(round * 7 % 300))
      }
      #expect(child.end == nil)
      #expect(try await eventually(within: .seconds(10)) { try mask() == before }, "when it is back from the last one")
      try TracerThread.once { tracer in
        _ = try skewed.redirect(tracer)
        for _ in 0..<50 { try skewed.leaveInReading(0, tracer) }
        _ = try skewed.restore(tracer)
        #expect(try skewed.digest() == template.digest)
      }
      #expect(try await rounds(file))
    }
  }

  @Test(arguments: [5 * second, -3600 * second, 1, -999_999_999, 123_456_789_012])
  func everyWayToAskTheTimeOfDayIsOffByTheOffset(offset: Int64) async throws {
    try await TestProgram.clock().run { child, file in
      let template = try ClockTemplate(tag: 0x1234)
      let identity = child.identity
      let before = try SkewedProcess(identity, template: template, timebase: .system).digest()
      #expect(before == template.digest)
      try TracerThread.once { tracer in
        let skewed = try SkewedProcess(identity, template: template, timebase: .system)
        #expect(try skewed.state(template) == .clean)
        try skewed.writeStub()
        try skewed.set(ClockSkew(offsetNanoseconds: offset), base: readClock(1))
        try skewed.prolong(until: readClock(1) + 60 * second)
        let pause = try skewed.redirect(tracer)
        #expect(pause.threads == 1)
        #expect(try skewed.state(template) == .redirected)
        let reading = try skewed.read(0, tracer)
        #expect(abs(reading.offsetNanoseconds - offset) <= reading.uncertaintyNanoseconds)
        #expect(abs(try skewed.read(1, tracer).offsetNanoseconds) <= second, "the monotonic clock is true")
      }
      #expect(try await rounds(file))
      // The program's two readings are some time apart, on a busy machine some milliseconds.
      #expect(abs(error(file, 1) - offset) < 100_000_000)
      #expect(abs(error(file, 2) - offset) < 100_000_000)
      #expect(abs(file.word(3) - (readClock(0) + offset) / second) <= 1)
      #expect(abs(error(file, 5)) < 60 * second, "TAI was not chosen; it may differ by leap seconds")

      try template.undo.restore(identity)
      #expect(try SkewedProcess(identity, template: template, timebase: .system).digest() == template.digest)
      #expect(try await rounds(file))
      #expect(abs(error(file, 1)) < 100_000_000)
      #expect(abs(error(file, 2)) < 100_000_000)
      #expect(file.word(10) == 0, "no call failed, and no time was malformed")
      #expect(file.word(11) > 0)
      #expect(child.end == nil)
    }
  }

  @Test func driftGrowsWithTimeAndChangesWithoutAStop() async throws {
    try await TestProgram.clock().run { child, _ in
      let template = try ClockTemplate(tag: 0x77)
      let identity = child.identity
      try TracerThread.once { tracer in
        let skewed = try SkewedProcess(identity, template: template, timebase: .system)
        try skewed.writeStub()
        let base = readClock(1)
        // As if armed an hour ago: the arithmetic is that of a long drill.
        let hour = 3600 * second
        for drift in [200_000, -200_000, 500_000_000, -500_000_000, 1] as [Int64] {
          let skew = ClockSkew(offsetNanoseconds: 7, driftPartsPerBillion: drift)
          try skewed.set(skew, base: base - hour)
          try skewed.prolong(until: base + hour)
          if drift == 200_000 { _ = try skewed.redirect(tracer) }
          let reading = try skewed.read(0, tracer)
          let expected = skew.offset(after: reading.atNanoseconds - (base - hour))
          // While the call ran, the error itself grew.
          let slack = reading.uncertaintyNanoseconds * 3 / 2 + 1
          #expect(abs(reading.offsetNanoseconds - expected) <= slack, "\(drift): \(reading), expected \(expected)")
        }
        _ = try skewed.restore(tracer)
        #expect(try skewed.digest() == template.digest)
      }
    }
  }

  @Test func theSkewEndsByItselfWhenNobodyProlongsIt() async throws {
    try await TestProgram.clock().run { child, file in
      let template = try ClockTemplate(tag: 0x99)
      let identity = child.identity
      try TracerThread.once { tracer in
        let skewed = try SkewedProcess(identity, template: template, timebase: .system)
        try skewed.writeStub()
        try skewed.set(ClockSkew(offsetNanoseconds: 100 * second), base: readClock(1))
        try skewed.prolong(until: readClock(1) + 300_000_000)
        _ = try skewed.redirect(tracer)
      }
      #expect(try await eventually(within: .seconds(10)) { abs(error(file, 1)) < second })
      #expect(try template.undo.redirected() == [identity])
      #expect(try template.undo.restoreAll() == [identity])
      #expect(try template.undo.redirected() == [])
    }
  }

  @Test func childrenInheritItAndAreFoundAndRestoredWithoutAList() async throws {
    try await TestProgram.clock().run { child, file in
      let template = try ClockTemplate(tag: 0xabc)
      let identity = child.identity
      try TracerThread.once { tracer in
        let skewed = try SkewedProcess(identity, template: template, timebase: .system)
        try skewed.writeStub()
        try skewed.set(ClockSkew(offsetNanoseconds: 100 * second), base: readClock(1))
        try skewed.prolong(until: readClock(1) + 60 * second)
        _ = try skewed.redirect(tracer)
      }
      file.set(12, 1)
      #expect(try await eventually(within: .seconds(10)) { file.word(13) > 2 })
      let forked = Int32(file.word(8))
      defer { kill(forked, SIGKILL) }
      #expect(abs(error(file, 9) - 100 * second) < second)
      #expect(Set(try template.undo.restoreAll().map(\.pid)) == [identity.pid, forked])
      let seen = file.word(13)
      #expect(try await eventually(within: .seconds(10)) { file.word(13) > seen + 2 })
      #expect(abs(error(file, 9)) < second)
    }
  }

  @Test func threadsThatAskAllTheTimeSurviveManyChanges() async throws {
    try await TestProgram.clock().run(["spin"]) { child, file in
      let template = try ClockTemplate(tag: 0x55)
      let identity = child.identity
      try TracerThread.once { tracer in
        for round in 0..<15 {
          let skewed = try SkewedProcess(identity, template: template, timebase: .system)
          try skewed.writeStub()
          try skewed.set(ClockSkew(offsetNanoseconds: Int64(round)), base: readClock(1))
          try skewed.prolong(until: readClock(1) + 60 * second)
          _ = try skewed.redirect(tracer)
          _ = try skewed.read(0, tracer)
          _ = try skewed.restore(tracer)
          #expect(try skewed.digest() == template.digest)
        }
      }
      #expect(try await rounds(file))
      #expect(file.word(10) == 0)
      #expect(child.end == nil)
    }
  }

  @Test func whatSomebodyElseChangedIsLeftAlone() async throws {
    try await TestProgram.clock().run { child, _ in
      let template = try ClockTemplate(tag: 1)
      let memory = try ProcessMemory(of: child.identity)
      let start = try VDSOMapping(of: child.identity).start
      let skewed = try SkewedProcess(child.identity, template: template, timebase: .system)
      // Another fault of this tool.
      let other = try SkewedProcess(child.identity, template: try ClockTemplate(tag: 2), timebase: .system)
      try other.writeStub()
      #expect(throws: VDSOError.self) { try skewed.state(template) }
      #expect(try template.undo.redirected() == [])
      try memory.write(start + UInt64(template.patch.words), template.patch.stub.original)
      #expect(try skewed.state(template) == .clean)
      // Another tool.
      let place = start + UInt64(try VDSOImage(template.bytes).usedEnd - 8)  // which nobody executes
      let byte = try memory.read(place, count: 1)
      try memory.write(place, [0xcc])
      #expect(throws: VDSOError.self) { try skewed.state(template) }
      try memory.write(place, byte)
    }
  }
}
