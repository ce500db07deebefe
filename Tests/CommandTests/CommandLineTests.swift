import Glibc
import Support
import Testing

/// A wrong command line ends with status 2, one message, and nothing made.
@Suite("Command line")
struct CommandLineTests {
  struct Mistake: Sendable, CustomTestStringConvertible {
    var line: String
    var message: String

    var testDescription: String { line }
    var words: [String] { line.split(separator: " ").map { $0 == "''" ? "" : String($0) } }
  }

  static let mistakes = [
    Mistake(
      line: "run --sed 4 x.yaml",
      message: "error: 'run' has no option --sed\n  fix: did you mean --seed? see blackstart run --help\n"),
    Mistake(
      line: "validate --frobnicate x.yaml",
      message: "error: 'validate' has no option --frobnicate\n  fix: see blackstart validate --help\n"),
    Mistake(line: "run --seed 1 --seed 2 x.yaml", message: "error: --seed was given twice\n  fix: give it once\n"),
    Mistake(line: "run x.yaml --seed", message: "error: --seed needs a value\n  fix: write --seed N\n"),
    Mistake(line: "run x.yaml --seed=", message: "error: --seed needs a value\n  fix: write --seed N\n"),
    // An unset variable of a script: taken as it stands, it would put the evidence into the root directory.
    Mistake(line: "run x.yaml --run-dir ''", message: "error: --run-dir needs a value\n  fix: write --run-dir DIR\n"),
    Mistake(
      line: "run x.yaml --keep-lab=yes",
      message: "error: --keep-lab is a switch and takes no value\n  fix: write --keep-lab alone\n"),
    Mistake(
      line: "run",
      message: "error: 'run' needs SCENARIO or --plan FILE\n  fix: blackstart run SCENARIO [options]\n"),
    Mistake(
      line: "run a.yaml b.yaml",
      message: "error: 'run' takes no 'b.yaml'\n  fix: blackstart run [SCENARIO] [options]\n"),
    Mistake(
      line: "run x.yaml --step",
      message: "error: --step asks a person before each step, but standard input is no terminal; nothing was made\n"
        + "  fix: start it from a terminal, or without --step\n"),
    Mistake(
      line: "run x.yaml --speed 0", message: "error: --speed '0' is no speed\n  fix: a number from 1 to 100000\n"),
    Mistake(line: "run x.yaml --repeat 0", message: "error: --repeat '0' is none\n  fix: a number from 1 to 100000\n"),
    Mistake(
      line: "run --plan p.json --seed 4",
      message: "error: --seed would change the plan that --plan names\n  fix: give one of the two\n"),
    Mistake(
      line: "run --plan p.json",
      message: "p.json: error: the plan cannot be read: open p.json: No such file or directory (2)\n"
        + "  fix: write one with: blackstart plan --json\n"),
    Mistake(
      line: "replay here",
      message: "here: error: this is no run directory: it has no journal.jsonl\n  fix: name a directory below runs/\n"),
    Mistake(
      line: "minimize here --within soon",
      message: "here: error: this is no run directory: it has no journal.jsonl\n  fix: name a directory below runs/\n"),
    Mistake(line: "version now", message: "error: 'version' takes no 'now'\n  fix: blackstart version\n"),
    Mistake(
      line: "rnu x.yaml",
      message: "error: there is no command 'rnu'\n  fix: did you mean 'run'? blackstart --help lists all\n"),
    Mistake(
      line: "frobnicate", message: "error: there is no command 'frobnicate'\n  fix: blackstart --help lists all\n"),
    Mistake(line: "lab", message: "error: 'lab' needs a word more\n  fix: one of: up, status, down\n"),
    Mistake(
      line: "lab dwon",
      message: "error: 'lab' has no 'dwon'\n  fix: did you mean 'lab down'? one of: up, status, down\n"),
    Mistake(
      line: "help rnu",
      message: "error: there is no command 'rnu'\n  fix: did you mean 'run'? blackstart --help lists all\n"),
    Mistake(
      line: "lab up --ttl soon --state s", message: "error: --ttl 'soon' is no number of seconds\n"),
    Mistake(
      line: "lab up --name A-b --state s",
      message:
        "lab A-b: error: 'A-b' cannot name a lab; nothing was made\n  fix: use 1 to 16 lower-case letters and digits\n"),
  ]

  @Test("each mistake has its message and makes nothing", arguments: mistakes)
  func mistakeHasItsMessage(_ mistake: Mistake) async throws {
    try await withDirectory("words") { directory in
      let result = try await Blackstart.run(mistake.words, in: directory)
      #expect(result.code == 2)
      #expect(result.errors == mistake.message)
      #expect(result.output == "")
      #expect(try listDirectory(directory).filter { !$0.hasPrefix(".said") } == [])
    }
  }

  @Test("an unknown plant, one given twice, a wrong seed: named before anything is made")
  func wrongRunOptions() async throws {
    try await withDirectory("words") { directory in
      let run = ["run", Blackstart.scenario, "--run-dir", "r"]
      let plant = try await Blackstart.run(run + ["--plant", "fence-of"], in: directory)
      #expect(plant.code == 2)
      #expect(
        plant.errors == """
          error: there is no plant 'fence-of'
            fix: did you mean 'fence-off'? plants: fence-off, ack-dropped, projection-not-idempotent, \
          mirror-repeats-batch, mirror-stalls, never-demote, wall-clock-fence, admin-guard-passes, \
          registry-guard-compares-strings, registry-open, mirror-filters, starts-at-latest, offsets-copied-raw, heartbeats-misread, topic-made-anew, \
          outbox-slot-lost, outbox-resnapshots

          """)
      let twice = try await Blackstart.run(run + ["--plant", "fence-off", "--plant", "fence-off"], in: directory)
      #expect(twice.code == 2)
      #expect(twice.errors == "error: --plant fence-off was given twice\n  fix: give it once\n")
      for seed in ["-1", "0x10", "18446744073709551616"] {
        let wrong = try await Blackstart.run(run + ["--seed=\(seed)"], in: directory)
        #expect(wrong.code == 2)
        #expect(
          wrong.errors == "error: --seed '\(seed)' is no seed\n  fix: a whole number from 0 to 9223372036854775807\n")
      }
      #expect(!fileExists("\(directory)/r"))
    }
  }

  @Test("every command that the overview lists has help, with status 0, on standard output")
  func everyCommandHasHelp() async throws {
    try await withDirectory("words") { directory in
      let overview = try await Blackstart.run(["--help"], in: directory)
      #expect(overview.code == 0)
      #expect(overview.errors == "")
      let commands = overview.output.split(separator: "\n", omittingEmptySubsequences: false)
        .drop { !$0.hasPrefix("usage:") }.dropFirst(2).prefix { !$0.isEmpty }
        .map { $0.dropFirst(2).prefix { $0.isLowercase || $0 == " " }.split(separator: " ").map(String.init) }
        .map { words in words.count > 1 && words[0] == "lab" ? Array(words.prefix(2)) : Array(words.prefix(1)) }
      #expect(commands.count >= 10)
      for words in commands {
        let named = words.joined(separator: " ")
        for line in [words + ["--help"], words + ["-h"], ["help"] + words] {
          let help = try await Blackstart.run(line, in: directory)
          #expect(help.code == 0, "\(line)")
          #expect(help.output.hasPrefix("usage: blackstart \(named)"), "\(line)")
          #expect(help.errors == "", "\(line)")
        }
      }
      let group = try await Blackstart.run(["lab", "--help"], in: directory)
      #expect(group.code == 0)
      #expect(group.output.contains("usage: blackstart lab up") && group.output.contains("usage: blackstart lab down"))
      let nothing = try await Blackstart.run([], in: directory)
      #expect(nothing.code == 2)
      #expect(nothing.errors == overview.output)
    }
  }

  @Test("docs/commands.md is what the program prints")
  func commandsAreDocumented() async throws {
    try await withDirectory("words") { directory in
      let result = try await Blackstart.run(["help", "--markdown"], in: directory)
      #expect(result.code == 0)
      let written = String(decoding: try readFile("\(Blackstart.package)/docs/commands.md"), as: UTF8.self)
      #expect(result.output == written, "make it again: blackstart help --markdown > docs/commands.md")
    }
  }

  @Test("version names number and build, in both spellings")
  func version() async throws {
    try await withDirectory("words") { directory in
      let word = try await Blackstart.run(["version"], in: directory)
      let option = try await Blackstart.run(["--version"], in: directory)
      #expect(word.code == 0 && option.code == 0)
      #expect(word.output.wholeMatch(of: /blackstart \d+\.\d+\.\d+ \(build [0-9a-f]{12}\)\n/) != nil)
      #expect(word.output == option.output)
    }
  }

  @Test("plan prints the same bytes twice")
  func planIsPure() async throws {
    try await withDirectory("words") { directory in
      let first = try await Blackstart.run(["plan", "--json", Blackstart.scenario], in: directory)
      let second = try await Blackstart.run(["plan", "--json", Blackstart.scenario], in: directory)
      #expect(first.code == 0)
      #expect(first.output == second.output)
      #expect(!first.output.isEmpty)
    }
  }
}
