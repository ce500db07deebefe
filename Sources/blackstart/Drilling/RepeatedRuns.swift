internal import Checks
internal import Drill
internal import Scenarios
internal import Support

/// Runs a subject again and again, each time planned with the next seed, and says what all of them came to.
///
/// - Parameter subject: the subject for a seed.
func performRuns(
  _ campaign: Campaign, _ options: RunOptions, _ tool: Tool, subject: (UInt64) throws -> RunSubject
) async throws -> ExitCode {
  var campaign = campaign
  while let (number, seed) = campaign.next {
    let limit = campaign.untilFail ? "" : " of \(campaign.count)"
    tool.console.note("run \(number)\(limit), seed \(seed)\n")
    let ended = try await performRun(subject(seed), options, in: options.directory.map { "\($0)/\(number)" }, tool)
    campaign.take(
      Campaign.Result(
        number: number, seed: seed, code: ended.code.rawValue, directory: ended.directory.path,
        items: Dictionary(
          (ended.verdict?.items ?? []).map { ($0.item.rawValue, $0.verdict.kind) }, uniquingKeysWith: { max($0, $1) })))
    // A run in which something failed is worth its whole report; of the others the summary tells.
    if ended.code != .pass { try show(ended, options, tool) }
  }
  if options.isJSON {
    for result in campaign.results {
      tool.console.print(String(decoding: try encodeJSON(result), as: UTF8.self) + "\n")
    }
  } else {
    tool.console.print(text(of: campaign))
  }
  return campaign.code
}

private func text(of campaign: Campaign) -> String {
  var runs = TextTable([.right], indent: 1, gap: 2)
  for result in campaign.results {
    runs.add("\(result.number)", "seed \(result.seed)", "exit \(result.code)", result.directory)
  }
  var items = TextTable([.left, .right], indent: 2, gap: 2)
  for name in Set(campaign.results.flatMap(\.items.keys)).sorted() {
    let kinds = campaign.results.compactMap { $0.items[name] }
    let counts = Dictionary(grouping: kinds, by: \.self).sorted { $0.key > $1.key }
    items.add(name, counts.map { "\($0.value.count) × \($0.key.rawValue.uppercased())" }.joined(separator: ", "))
  }
  let passed = campaign.results.count { $0.code == 0 }
  let head = "\(passed) of \(campaign.results.count) runs passed, exit \(campaign.code.rawValue)"
  return ([head, ""] + runs.lines + [""] + items.lines).joined(separator: "\n") + "\n"
}
