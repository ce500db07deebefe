import Support
import TestSupport
import Testing

/// Evidence judged again, and events traced, as a user would.
@Suite("Verify and trace") struct VerifyTests {
  private static let recorded = "\(Blackstart.package)/Tests/Fixtures/recorded-blackout"

  @Test("a recorded run is judged as it was, byte for byte")
  func sameBytes() async throws {
    try await withDirectory("verify") { directory in
      let result = try await Blackstart.run(["verify", Self.recorded, "--json"], in: directory)
      #expect(result.code == 0, "\(result.errors)")
      #expect(result.output.utf8.elementsEqual(try readFile("\(Self.recorded)/verdict.json")))
      #expect(result.errors.contains("byte for byte"))
    }
  }

  @Test("a history alone shows what a history can, whole and cut off")
  func history() async throws {
    try await withDirectory("verify") { directory in
      let whole = try await Blackstart.run(["verify", "\(Self.recorded)/history.bsh"], in: directory)
      // Without dumps nobody knows what became of what no tail has shown; but nothing is found that is not there.
      #expect(whole.code == 0 || whole.code == 7, "\(whole.output)\(whole.errors)")
      #expect(!whole.output.contains("FOUND"), "\(whole.output)")
      let bytes = try readFile("\(Self.recorded)/history.bsh")
      try writeFile("\(directory)/cut.bsh", Array(bytes.dropLast(bytes.count / 3)))
      let cut = try await Blackstart.run(["verify", "cut.bsh"], in: directory)
      #expect(cut.code == 7, "\(cut.output)\(cut.errors)")
      #expect(cut.output.contains("the history stops at byte"))
      var flipped = bytes
      flipped[bytes.count / 2] ^= 0x10
      try writeFile("\(directory)/flipped.bsh", flipped)
      let damaged = try await Blackstart.run(["verify", "flipped.bsh"], in: directory)
      #expect(damaged.code == 7, "\(damaged.output)\(damaged.errors)")
      #expect(damaged.output.contains("INCONCLUSIVE"))
    }
  }

  @Test("a run whose evidence was spoilt fails, and its witness fails the same way")
  func witness() async throws {
    try await withDirectory("verify") { directory in
      _ = try await Blackstart.command("/bin/cp", ["-r", Self.recorded, "run"], in: directory)
      // An acknowledged event that its group applied twice.
      let applied = "\(directory)/run/ground-truth/applied-eu.jsonl"
      let text = String(decoding: try readFile(applied), as: UTF8.self)
      let first = try #require(text.firstRange(of: "\"times\":1"))
      try removeTree(applied)
      try writeFile(applied, Array(text.replacingCharacters(first, with: "\"times\":2").utf8))
      let report = try await Blackstart.run(["report", "run"], in: directory)
      #expect(report.code == 1, "\(report.errors)")
      #expect(report.output.contains("witness-consumer-progress.json"))
      let verified = try await Blackstart.run(["verify", "run"], in: directory)
      #expect(verified.code == 1)
      #expect(verified.errors.contains("byte for byte"))
      let witness = try await Blackstart.run(["verify", "run/witness-consumer-progress.json"], in: directory)
      #expect(witness.code == 1, "\(witness.output)\(witness.errors)")
      #expect(witness.errors.contains("the violation shows in"))
      let permitted = try await Blackstart.run(["verify", "run", "--permit", "D7"], in: directory)
      #expect(permitted.code == 0, "\(permitted.output)")
      #expect(permitted.output.contains("PERMITTED"))
    }
  }

  static let mistakes: [(line: String, file: String?, words: String)] = [
    ("verify", nil, "error: 'verify' needs PATH or --self-test"),
    ("verify nowhere", nil, "nowhere: error: there is no such file or directory"),
    ("verify .", nil, "this is no run directory"),
    ("verify bad.json", "[1, 2", "this is no witness"),
    ("verify bad.json", "{\"format\": 1}", "this is no witness: "),
    ("verify bad.jsonl", "once upon a time\n", "line 1"),
    ("verify bad.edn", "{:type :invoke", "line 1"),
    ("verify bad.bsh", "no history", "error:"),
    ("verify x.bsh --permit L99", "", "there is no anomaly 'L99'"),
    ("verify --self-test --seeds none", nil, "--seeds takes a number"),
    ("verify --self-test --clean 0", nil, "--clean takes a number"),
    ("trace", nil, "'trace' needs EVENT"),
    ("trace nobody", nil, "'nobody' is no event id"),
    ("trace p1-1", nil, "there is no run in it"),
    ("trace p1-1 nowhere", nil, "this is no run directory"),
  ]

  @Test("what cannot be judged ends with status 2, one message and its place", arguments: mistakes)
  func mistake(line: String, file: String?, words: String) async throws {
    try await withDirectory("verify") { directory in
      let arguments = line.split(separator: " ").map(String.init)
      if let file { try writeFile("\(directory)/\(arguments[1])", Array(file.utf8)) }
      let result = try await Blackstart.run(arguments, in: directory)
      #expect(result.code == 2, "\(result.output)\(result.errors)")
      #expect(result.errors.contains(words), "\(result.errors)")
      #expect(result.output.isEmpty)
    }
  }

  @Test("the checker finds every planted error of every family, and raises no alarm")
  func selfTest() async throws {
    try await withDirectory("verify") { directory in
      let result = try await Blackstart.run(["verify", "--self-test", "--seeds", "1", "--clean", "10"], in: directory)
      #expect(result.code == 0, "\(result.output)")
      #expect(!result.output.contains("MISSED"))
      #expect(result.output.contains("(100 %)"))
      #expect(result.output.contains("by check: L1 2/2, L2 3/3"), "the rate of each check")
    }
  }

  @Test("an event of a run is traced to the end")
  func trace() async throws {
    try await withDirectory("verify") { directory in
      let result = try await Blackstart.run(["trace", "p0-10", Self.recorded], in: directory)
      #expect(result.code == 0, "\(result.errors)")
      for question in ["published", "acknowledged", "replicated", "processed", "effect once", "reconciled"] {
        #expect(result.output.contains("  \(question) "), "\(question)")
      }
      let unknown = try await Blackstart.run(["trace", "p99-1", Self.recorded], in: directory)
      #expect(unknown.code == 2)
      #expect(unknown.errors.contains("there is no producer 99"))
    }
  }
}

extension String {
  fileprivate func replacingCharacters(_ range: Range<String.Index>, with text: String) -> String {
    self[..<range.lowerBound] + text + self[range.upperBound...]
  }
}
