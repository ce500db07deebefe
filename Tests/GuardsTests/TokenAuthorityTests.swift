import Guards
import Support
import Testing

@Suite struct TokenAuthorityTests {
  @Test func everyDecisionIsWrittenDownWithItsRule() async throws {
    try await inTemporaryDirectory { directory in
      try await withAuthority(StagedSource(7), directory) { authority in
        for text in [nil, "x", "6", "8", "7"] { _ = await authority.judge(question(text)) }
      }
      let (decisions, damaged) = try GuardDecision.read("\(directory)/decisions.jsonl")
      #expect(
        decisions.map(\.rule) == [.noToken, .malformedToken, .staleToken, .inflatedToken, .currentToken])
      #expect(decisions.map(\.isAllowed) == [false, false, false, false, true])
      #expect(decisions.map(\.token) == [nil, "x", "6", "8", "7"])
      #expect(decisions.last?.current == 7)
      #expect(damaged == 0)
    }
  }

  /// The highest token survives a restart: an authority restored from a backup does not bring an old leader back.
  @Test func aRestartKeepsTheHighestToken() async throws {
    try await inTemporaryDirectory { directory in
      try await withAuthority(StagedSource(12), directory) { authority in
        #expect(await authority.judge(question("12")).isAllowed)
      }
      try await withAuthority(StagedSource(9), directory) { authority in
        #expect(await authority.judge(question("9")).rule == .staleToken)
        #expect(await authority.judge(question("12")).rule == .authorityRegressed)
        #expect(await authority.highest?.value == 12)
      }
    }
  }

  /// A new leader is believed with its first request, however long ago the authority was last asked.
  @Test func theAuthorityIsAskedAfterEachRequestArrived() async throws {
    try await inTemporaryDirectory { directory in
      let source = StagedSource(7)
      try await withAuthority(source, directory) { authority in
        #expect(await authority.judge(question("7")).isAllowed)
        source.become(8)
        #expect(await authority.judge(question("7")).rule == .staleToken)
        #expect(await authority.judge(question("8")).isAllowed)
        source.become(nil)
        #expect(await authority.judge(question("8")).rule == .noAuthority)
      }
    }
  }

  @Test(arguments: [StagedSource.Behaviour.fails, .hangs])
  func aSilentAuthorityClosesTheGuard(_ behaviour: StagedSource.Behaviour) async throws {
    try await inTemporaryDirectory { directory in
      let source = StagedSource(7)
      try await withAuthority(source, directory, maximumAge: .zero) { authority in
        #expect(await authority.judge(question("7")).isAllowed == false)  // an answer is always older than zero
      }
      try await withAuthority(source, directory, maximumAge: .seconds(60)) { authority in
        #expect(await authority.judge(question("7")).isAllowed)
        source.become(behaviour)
        #expect(await authority.judge(question("7")).isAllowed)
      }
      // After a restart there is no answer that could stand.
      try await withAuthority(source, directory, maximumAge: .seconds(60)) { authority in
        #expect(await authority.judge(question("7")).rule == .authorityUnknown)
        source.become(7)
        #expect(await authority.judge(question("7")).isAllowed)
      }
    }
  }

  @Test func beforeItRunsItAsksForItself() async throws {
    try await inTemporaryDirectory { directory in
      let authority = try TokenAuthority(source: StagedSource(7), directory: directory, report: { _ in })
      #expect(await authority.judge(question("6")).rule == .staleToken)
      #expect(await authority.judge(question("7")).isAllowed)
    }
  }

  @Test func freezingOutlivesARestartAndHoldsUpTheCurrentToken() async throws {
    try await inTemporaryDirectory { directory in
      try await withAuthority(StagedSource(7), directory) { authority in
        try await authority.freeze(true)
        #expect(await authority.judge(question("7"), canBeFrozen: true).rule == .frozen)
        #expect(await authority.judge(question("7")).isAllowed)
      }
      try await withAuthority(StagedSource(7), directory) { authority in
        #expect(await authority.judge(question("7"), canBeFrozen: true).rule == .frozen)
        try await authority.freeze(false)
        #expect(await authority.judge(question("7"), canBeFrozen: true).isAllowed)
      }
    }
  }

  @Test func whatCannotBeWrittenDownDoesNotPass() async throws {
    try await inTemporaryDirectory { directory in
      let authority = try TokenAuthority(
        source: StagedSource(7), directory: directory, logPath: "/dev/full", report: { _ in })
      let running = Task { await authority.run() }
      #expect(await authority.judge(question("7")).rule == .notRecorded)
      running.cancel()
      await running.value
    }
  }

  /// State that is damaged, of another authority, or in use is refused with what to do, and nothing is overwritten.
  @Test func stateThatCannotBeTrustedStopsTheStart() async throws {
    try await inTemporaryDirectory { directory in
      let source = StagedSource(7)
      do {
        let first = try TokenAuthority(source: source, directory: directory, report: { _ in })
        let problem = try #require(throws: Problem.self) {
          try TokenAuthority(source: source, directory: directory, report: { _ in })
        }
        #expect(problem.what.contains("another guard"))
        _ = await first.isFrozen
      }
      for (content, word) in [("{", "damaged"), (#"{"authority":"other","frozen":false,"highest":3}"#, "belongs to")] {
        try writeFile("\(directory)/guard.json", Array(content.utf8))
        let problem = try #require(throws: Problem.self) {
          try TokenAuthority(source: source, directory: directory, report: { _ in })
        }
        #expect(problem.what.contains(word))
        #expect(try readFile("\(directory)/guard.json") == Array(content.utf8))
      }
    }
  }

  /// What a crash left of a line does not swallow the next one.
  @Test func aLogThatWasCutOffIsContinued() async throws {
    try await inTemporaryDirectory { directory in
      try writeFile("\(directory)/decisions.jsonl", Array(#"{"time":"2026"#.utf8))
      try await withAuthority(StagedSource(7), directory) { authority in
        _ = await authority.judge(question("7"))
      }
      let (decisions, damaged) = try GuardDecision.read("\(directory)/decisions.jsonl")
      #expect(decisions.count == 1)
      #expect(damaged == 1)
    }
  }

  /// Many requests at once share the authority's answers, and none is left waiting.
  @Test func manyRequestsShareOneAnswer() async throws {
    try await inTemporaryDirectory { directory in
      let source = StagedSource(7)
      try await withAuthority(source, directory) { authority in
        let allowed = await withTaskGroup(of: Bool.self) { group in
          for _ in 0..<200 { group.addTask { await authority.judge(question("7")).isAllowed } }
          return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(allowed == 200)
      }
    }
  }
}
