import Glibc
import Scenarios
import Support
import Testing

/// Files that no tool wrote. A few in each run of the suite; `BLACKSTART_FUZZ=1000000` for as many of each kind.
@Suite struct ImportFuzzTests {
  private static var count: Int { getenv("BLACKSTART_FUZZ").flatMap { Int(String(cString: $0)) } ?? 400 }
  private static var seed: UInt64 {
    getenv("BLACKSTART_FUZZ_SEED").flatMap { UInt64(String(cString: $0)) } ?? 20_261_128
  }

  /// What makes the readers take ways that letters by chance do not find.
  static let words = [
    "0", "-1", "1e9", "9223372036854775807", "99999999999999999999999", "\"\"", "null", "~", "true", "[]", "{}", "[[]]",
    "&a",
    "*a", "0s", "0.5s", "1h", "-5ms", "292y", "\"100\"", "101", "0.00001", "1mbps", "999999tbit", "from", "both", "to",
    "one",
    "fixed", "all", "Serial", "Parallel", "Suspend", "Task", "Schedule", "NetworkChaos", "Workflow", "PodChaos",
    "TimeChaos",
    "partition", "netem", "bandwidth", "selector", "target", "externalTargets", "10.0.0.0/0", "[::]:1", "a:b:c",
    "delay",
    "duration", "@every 1ns", "@every 0s", "* * * * *", "entry", "t0", "---", "app", "east", "eu", "ap", "network-down",
    "${x}", "${secret:y}", "probe", "action", "python", "http", "process", "tolerance", "é日😀", "'", "\"", "#", "|", ">",
  ]

  /// Accepted or refused with a place; and what is accepted is a scenario.
  @Test(arguments: ForeignTool.allCases) func aBrokenFileIsImportedOrRefused(tool: ForeignTool) throws {
    let map = try ImportFixture.map()
    let seeds = ImportFixture.all.filter { $0.tool == tool }.map(\.bytes)
    var mutator = Mutator(seed: Self.seed, seeds: seeds, words: Self.words)
    var accepted = 0
    for number in 0..<Self.count {
      let bytes = mutator.next()
      let options = ImportOptions(seed: UInt64(number), isPartial: number % 2 == 0)
      do throws(Problems) {
        let made = try tool.make(bytes, file: "f.yaml", map: map, options: options)
        accepted += 1
        let complaint = problem { _ = try parseScenario(Array(made.text.utf8), file: "made.yaml") }
        #expect(complaint == nil, "\(String(decoding: bytes, as: UTF8.self))")
      } catch {
        #expect(!error.items.isEmpty)
        #expect(error.items.allSatisfy { $0.place?.hasPrefix("f.yaml:") == true && $0.code == .usage })
      }
    }
    #expect(accepted > Self.count / 50, "hardly anything gets through: \(accepted) of \(Self.count)")
    #expect(accepted < Self.count, "nothing is refused")
  }

  @Test func aBrokenMapIsReadOrRefused() throws {
    var mutator = Mutator(seed: Self.seed, seeds: [contents(of: goldenPath("Import/map.yaml"))], words: Self.words)
    for _ in 0..<Self.count {
      let bytes = mutator.next()
      let message = problem { _ = try parseImportMap(bytes, file: "map.yaml") }
      #expect(message?.hasPrefix("map.yaml:") != false)
    }
  }
}
