import Glibc
import Scenarios
import Support
import Testing

/// Nothing that is read as a scenario crashes the reader, takes it long or makes it forget to say where.
///
/// `BLACKSTART_FUZZ=1000000 swift test -c release --filter FuzzTests` tries as many inputs.
@Suite struct FuzzTests {
  private static let rounds = getenv("BLACKSTART_FUZZ").flatMap { Int(String(cString: $0)) } ?? 500

  @Test func whateverIsReadIsAcceptedOrRefusedWithAPlace() {
    var random = SeededRandom(seed: 20_261_121)
    let sources = [Array(goodScenario.utf8), Array(richScenario.utf8)]
    var accepted = 0
    for round in 0..<Self.rounds {
      var bytes = sources[round % sources.count]
      for _ in 0...Int(random.next() % 3) { mutate(&bytes, &random) }
      do throws(Problems) {
        let loaded = try parseScenario(bytes, file: "drill.yaml")
        accepted += 1
        // What is accepted can be planned, and its plan read.
        if round % 64 == 0 { try planAndRead(loaded) }
      } catch {
        let isPlaced = error.items.allSatisfy { $0.place?.hasPrefix("drill.yaml") == true }
        if !isPlaced || error.items.isEmpty {
          Issue.record("round \(round): \(error)")
          return
        }
      }
    }
    // Mutations that break everything would test only the YAML parser.
    #expect(accepted > Self.rounds / 200, "\(accepted) of \(Self.rounds) were accepted")
  }

  private func planAndRead(_ loaded: LoadedScenario) throws(Problems) {
    let plan = try makePlan(loaded, tool: "test")
    do { #expect(try readPlan(encodeJSON(plan), file: "plan.json") == plan) } catch {
      Issue.record("\(error)")
    }
    #expect(!planText(plan).isEmpty)
  }

  /// One change: a byte, a part taken out, doubled or moved, a word or number of the language put in place.
  private func mutate(_ bytes: inout [UInt8], _ random: inout SeededRandom) {
    func below(_ count: Int) -> Int { count < 1 ? 0 : Int(random.next() % UInt64(count)) }
    guard !bytes.isEmpty else { return }
    let at = below(bytes.count)
    let length = min(1 + below(12), bytes.count - at)
    switch random.next() % 8 {
    case 0: bytes[at] = UInt8(truncatingIfNeeded: random.next())
    case 1: bytes.removeSubrange(at..<(at + length))
    case 2: bytes.insert(contentsOf: bytes[at..<(at + length)], at: below(bytes.count))
    case 3, 4:
      let word = Array(Self.words[below(Self.words.count)].utf8)
      let end = bytes[at...].firstIndex { !isLetter($0) } ?? bytes.count
      let begin = bytes[..<at].lastIndex { !isLetter($0) }.map { $0 + 1 } ?? 0
      bytes.replaceSubrange(begin..<max(begin, end), with: word)
    case 5:
      // A line moved elsewhere, whole.
      let begin = bytes[..<at].lastIndex(of: 10).map { $0 + 1 } ?? 0
      let end = bytes[at...].firstIndex(of: 10).map { $0 + 1 } ?? bytes.count
      let line = Array(bytes[begin..<end])
      bytes.removeSubrange(begin..<end)
      let target = below(bytes.count)
      let place = bytes.isEmpty ? 0 : bytes[target...].firstIndex(of: 10).map { $0 + 1 } ?? bytes.count
      bytes.insert(contentsOf: line, at: place)
    case 6: bytes.insert(contentsOf: Array(Self.marks[below(Self.marks.count)].utf8), at: at)
    default:
      guard let digit = bytes.indices.filter({ (48...57).contains(bytes[$0]) }).randomElement(using: &random) else {
        return
      }
      bytes.replaceSubrange(digit...digit, with: Array(Self.numbers[below(Self.numbers.count)].utf8))
    }
  }

  private func isLetter(_ byte: UInt8) -> Bool {
    (97...122).contains(byte) || (65...90).contains(byte) || (48...57).contains(byte) || byte == 45
  }

  private static let words = [
    "east", "eu", "ap", "all", "both", "healed", "metric", "leader", "events", "fault", "step", "network", "partition",
    "kill-connections", "when", "until", "after", "for", "at", "within", "repeat", "sequence", "swizzle", "ramp", "0s",
    "1ns",
    "99999999h", "100%", "0%", "1/h", "8kbit/s", "null", "~", "true", "promote", "wait", "pause-mirror", "blackout",
    "c1", "p1",
  ]
  private static let marks = [
    "\t", "\n", "  ", "{", "}", "[", "]", ": ", ", ", "- ", "&a ", "*a ", "!!x ", "? ", "| ", "> ", "'", "\"", "#",
    "---\n", "...\n",
    "${", "${x}", "$${", "%", "\u{0}", "\u{FEFF}", "é", "<<: *a", "\\x",
  ]
  private static let numbers = [
    "0", "-1", "1", "9223372036854775807", "99999999999999999999", "0.000000001", "1e9", "00", "65536",
  ]
}

/// A scenario with patterns, conditions, a runbook, probes and messages.
private let richScenario = scenario([
  (
    "  - { id: blackout, at: 0s, fault: partition, region: east, from: all, for: 40s }",
    """
      - { id: blackout, at: 0s, fault: partition, region: east, from: all, for: 40s }
      - { id: w, at: 45s, repeat: [{ id: a, fault: network, region: east, from: [eu], both: { delay: 50ms }, for: 2s }], times: 3, every: 5s, jitter: 1s }
      - { id: sw, at: 70s, swizzle: { links: [[east, eu]], cutEvery: 1s, hold: 2s, healEvery: 1s } }
      - { id: r, at: 80s, ramp: { region: east, from: [eu], end: { loss: 30% }, over: 6s, steps: 3 } }
      - { id: x, when: { metric: events, min: 10 }, within: 90s, fault: network, region: ap, from: [eu], in: { loss: 1% }, until: healed, longest: 9s }
    """
  ),
  (
    "recovery:",
    """
    variables: { v: { type: int, default: 5 } }
    probes: { api: { http: { url: 'http://h/' }, expect: { status: [200] } } }
    runbook:
      at: 1s
      steps:
        - { id: pause, do: { pause-mirror: { from: east, to: eu } }, undo: { resume-mirror: { from: east, to: eu } }, verify: { metric: events, min: 1 }, timeout: 5s }
        - { id: rest, do: { wait: { for: 1s } }, timeout: 5s }
    communications: [{ id: t5, due: 5m, after: { fault: blackout }, sink: { file: c.log }, text: 'It is ${fact:phase}' }]
    recovery:
    """
  ), ("blastRadius: { regions: 1 }", "blastRadius: { regions: 3 }"),
])
