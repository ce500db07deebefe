import Glibc
import Support
import Testing

/// A scenario that is wrong ends with status 2 and names the place, what was expected and the nearest name.
@Suite("Wrong scenarios")
struct WrongScenarioTests {
  struct Mistake: Sendable, CustomTestStringConvertible {
    var name: String
    var old: String
    var new: String
    /// As it must stand there; `{0}` is the number of the changed line, `{-1}` that of the one above it.
    var message: String

    var testDescription: String { name }

    /// The message for the fixture as it is.
    func messageInPlace() throws -> String {
      let text = String(decoding: try readFile(Blackstart.scenario), as: UTF8.self)
      let place = try #require(text.firstRange(of: old)).upperBound
      let line = text[..<place].count(where: { $0 == "\n" }) + 1
      return message.replacing("{0}", with: "\(line)").replacing("{-1}", with: "\(line - 1)")
        .replacing("{+2}", with: "\(line + 2)")
    }
  }

  static let mistakes = [
    Mistake(
      name: "wrong key", old: "for: 14s", new: "fro: 14s",
      message: """
        x.yaml:{0}:5: error: timeline[0]: the key 'for' is missing
          fix: one of: for, until
        x.yaml:{0}:72: error: timeline[0]: unknown key 'fro'
          fix: did you mean 'for'? keys here: id, fault, sequence, parallel, repeat, swizzle, ramp, at, after, when, for, \
        until, region, nodes, from, only, flapping, direction, answer

        """),
    Mistake(
      name: "wrong type", old: "seed: 20261120", new: "seed: many",
      message: """
        x.yaml:{0}:7: error: seed: expected a whole number from 0 to 9223372036854775807, found 'many'

        """),
    Mistake(
      name: "wrong unit", old: "ttl: 4s", new: "ttl: 4parsecs",
      message: """
        x.yaml:{0}:17: error: stack.lease.ttl: expected a duration such as 250ms, 10s or 5m, found '4parsecs'
          fix: units: ns, us, ms, s, m, h

        """),
    Mistake(
      name: "unknown region", old: "region: east, from: all", new: "region: est, from: all",
      message: """
        x.yaml:{0}:55: error: timeline[0].region: there is no region 'est'
          fix: did you mean 'east'? regions: east, eu, ap

        """),
    Mistake(
      name: "duplicate id", old: "name: orders-eu, region", new: "name: orders-east, region",
      message: """
        x.yaml:{0}:15: error: workload.producers[1].name: the producer 'orders-east' stands twice; it stood in line {-1} already
          fix: rename one of the two

        """),
    Mistake(
      name: "broken YAML", old: "\ntopology:", new: "\ntopology: [",
      message: """
        x.yaml:{+2}:12: error: broken YAML: while parsing a flow sequence that begins at line {0}, column 11: did not find \
        expected ',' or ']'

        """),
  ]

  /// `run` reads with the same eyes as `validate`: same message, same status, and no run directory.
  @Test("each mistake has its message, in validate, plan and run alike", arguments: mistakes)
  func mistakeHasItsMessage(_ mistake: Mistake) async throws {
    try await withDirectory("scenario") { directory in
      let text = try variant(mistake.old, mistake.new)
      let message = try mistake.messageInPlace()
      try writeFile("\(directory)/x.yaml", Array(text.utf8))
      for arguments in [["validate", "x.yaml"], ["plan", "x.yaml"], ["run", "x.yaml", "--run-dir", "r"]] {
        let result = try await Blackstart.run(arguments, in: directory)
        #expect(result.code == 2)
        #expect(result.errors == message)
        #expect(result.output == "")
      }
      #expect(!fileExists("\(directory)/r"))
    }
  }

  @Test("a file that is no scenario is refused unread: missing, a directory, a pipe, 100 MiB")
  func noScenario() async throws {
    try await withDirectory("scenario") { directory in
      let missing = try await Blackstart.run(["validate", "none.yaml"], in: directory)
      #expect(missing.code == 2)
      #expect(
        missing.errors == """
          none.yaml: error: cannot be opened: No such file or directory (2)
            fix: check the name; ready-made scenarios stand in scenarios/

          """)

      let folder = try await Blackstart.run(["validate", "."], in: directory)
      #expect(folder.code == 2)
      #expect(folder.errors == ".: error: is not a regular file\n")

      try #require(mkfifo("\(directory)/pipe", 0o644) == 0)
      let pipe = try await Blackstart.run(["validate", "pipe"], in: directory)
      #expect(pipe.code == 2)
      #expect(pipe.errors == "pipe: error: is not a regular file\n")

      try writeFile("\(directory)/big.yaml", [])
      try #require(truncate("\(directory)/big.yaml", 100 << 20) == 0)
      let big = try await Blackstart.run(["validate", "big.yaml"], in: directory)
      #expect(big.code == 2)
      #expect(
        big.errors == """
          big.yaml: error: is 100 MiB large; a scenario has at most 10 MiB
            fix: is this the right file? It was not read

          """)
    }
  }

  @Test("empty files, zero bytes and half of a scenario end with a message too")
  func garbage() async throws {
    try await withDirectory("scenario") { directory in
      let whole = try readFile(Blackstart.scenario)
      let inputs: [[UInt8]] = [
        [], Array("\n".utf8), Array("42\n".utf8), [0, 0, 0, 0], [0xff, 0xfe, 0x00],
        Array(whole.prefix(whole.count / 2)),
      ]
      for (number, bytes) in inputs.enumerated() {
        try writeFile("\(directory)/x.yaml", bytes)
        let result = try await Blackstart.run(["validate", "x.yaml"], in: directory)
        #expect(result.code == 2, "input \(number)")
        #expect(result.errors.hasPrefix("x.yaml:") && result.errors.contains("error: "), "input \(number)")
        #expect(result.output == "")
      }
    }
  }
}
