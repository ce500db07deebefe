internal import Glibc
internal import Support

/// Which measures are to be taken, and how.
struct MeasureRequest: Sendable {
  var isList: Bool
  var isQuick: Bool
  var seed: UInt64
  var tool: String?
  var rounds: Int?
  var part: String?
  var measures: [Measure]

  /// Reads the words of a command line.
  init(_ words: [String]) throws(Problem) {
    let words = try Words(words, switches: ["--quick", "--list"], options: ["--seed", "--tool", "--rounds", "--part"])
    isList = words.has("--list")
    isQuick = words.has("--quick")
    seed = try words.number("--seed", in: 0 ... .max, standard: standardSeed)
    tool = words.text("--tool")
    rounds = words.has("--rounds") ? try words.number("--rounds", in: 1...1_000_000, standard: 1) : nil
    part = words.text("--part")
    let known = Benchmarks.measures.map(\.name)
    for name in words.names where !known.contains(name) {
      throw Problem(.usage, "there is no measure '\(name)'", fix: "measures: \(known.joined(separator: ", "))")
    }
    measures = Benchmarks.measures.filter { words.names.isEmpty || words.names.contains($0.name) }
  }
}

/// Takes the measures and prints their figures.
///
/// - Returns: whether all could be taken.
func runMeasures(_ request: MeasureRequest) async throws -> Bool {
  if request.isList {
    var table = TextTable()
    for measure in request.measures { table.add(measure.name, measure.summary) }
    print(table.lines.joined(separator: "\n"))
    return true
  }
  guard geteuid() == 0 else {
    throw Problem(.usage, "the measures need root: they make network namespaces; nothing was done", fix: "use sudo")
  }
  print(try machineLine(seed: request.seed))
  var missing: [String] = []
  let clock = ContinuousClock()
  for measure in request.measures {
    print("\n\(measure.name): \(measure.summary)")
    let begun = clock.now
    do {
      let figures = try await withWorkspace { workspace in
        try await measure.take(
          Bench(
            isQuick: request.isQuick, rounds: request.rounds, part: request.part, seed: request.seed,
            tool: request.tool,
            workspace: workspace))
      }
      for line in table(figures) { print(line) }
      print("  taken in \((clock.now - begun).brief)")
    } catch {
      missing.append(measure.name)
      report(error)
    }
    fflush(nil)
  }
  guard missing.isEmpty else {
    report(Problem(.fail, "could not be measured: \(missing.joined(separator: ", "))"))
    return false
  }
  return true
}

private func table(_ figures: [Figure]) -> [String] {
  var table = TextTable([.left, .right, .right, .right, .right, .right, .left], indent: 2)
  table.add("what", "n", "min", "median", "p99", "ratio", "")
  for figure in figures {
    let samples = figure.samples
    let ratio = figure.base.flatMap { samples.ratio(to: $0) }.map { "× \(fixed($0, $0 < 10 ? 2 : 1))" } ?? ""
    table.add(
      figure.what, "\(samples.count)", brief(samples.min), brief(samples.median), brief(samples.quantile(0.99)), ratio,
      figure.note)
  }
  return table.lines
}
