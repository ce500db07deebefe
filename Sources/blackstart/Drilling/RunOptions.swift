internal import Drill
internal import Stacks
internal import Support

/// Options of every command that runs drills.
let drillOptions = [
  Option(name: "--run-dir", value: "DIR", help: "where the evidence goes (runs/<time>-<scenario>-<digits>)"),
  Option(name: "--keep-lab", help: "leave the lab standing afterwards"),
  Option(name: "--dry-run", help: "everything but arming: lab, workload, probes, checks; never a PASS"),
  Option(name: "--step", help: "ask on the terminal before each step that changes something: a game day"),
  Option(name: "--speed", value: "X", help: "let time for communications pass X times as fast (1)"),
  Option(name: "--json", help: "print progress and verdict as JSON Lines"),
  stateOption,
]

/// What the options of a command line say about how a drill is run.
struct RunOptions: Sendable {
  var plants: [StackPlant]
  var directory: String?
  var state: String
  var keepsLab: Bool
  var mode: RunMode
  var speed: Double
  var asks: Bool
  var isJSON: Bool

  /// Reads them.
  ///
  /// - Throws: ``Problem`` with ``ExitCode/usage``; nothing was made then.
  init(_ invocation: Invocation, _ console: Console) throws(Problem) {
    var plants: [StackPlant] = []
    for name in invocation.all("--plant") { plants.append(try plant(name)) }
    self.plants = plants
    if let twice = plants.first(where: { one in plants.count(where: { $0 == one }) > 1 }) {
      throw Problem(.usage, "--plant \(twice.rawValue) was given twice", fix: "give it once")
    }
    directory = invocation.value("--run-dir")
    state = stateDirectory(invocation)
    keepsLab = invocation.has("--keep-lab")
    mode = invocation.has("--dry-run") ? .dryRun : .full
    asks = invocation.has("--step")
    isJSON = invocation.has("--json")
    let text = invocation.value("--speed") ?? "1"
    guard let factor = Double(text), factor >= 1, factor <= 100_000 else {
      throw Problem(.usage, "--speed '\(text)' is no speed", fix: "a number from 1 to 100000")
    }
    speed = factor
    if asks && !console.canAsk {
      throw Problem(
        .usage, "--step asks a person before each step, but standard input is no terminal; nothing was made",
        fix: "start it from a terminal, or without --step")
    }
  }
}

/// The plant of that name.
private func plant(_ name: String) throws(Problem) -> StackPlant {
  if let plant = StackPlant(rawValue: name) { return plant }
  let names = StackPlant.allCases.map(\.rawValue)
  throw Problem(
    .usage, "there is no plant '\(name)'",
    fix: (nearest(name, in: names).map { "did you mean '\($0)'? " } ?? "")
      + "plants: \(names.joined(separator: ", "))")
}

/// A whole number of an option within a range; `nil` when it was not given.
func count(_ name: String, _ range: ClosedRange<Int>, _ invocation: Invocation) throws(Problem) -> Int? {
  guard let text = invocation.value(name) else { return nil }
  guard let number = Int(text), range.contains(number) else {
    throw Problem(.usage, "\(name) '\(text)' is none", fix: "a number from \(range.lowerBound) to \(range.upperBound)")
  }
  return number
}
