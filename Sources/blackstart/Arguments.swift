internal import Support

/// One option of a command, as the parser reads it and as the help shows it.
struct Option: Sendable {
  /// `--seed`.
  var name: String
  /// What stands for the value in the help, `N`; `nil` for a switch.
  var value: String?
  /// What it is for, in one line.
  var help: String
  /// Whether it may be given more than once.
  var repeats = false
}

/// One command: its words, its options, what it does.
struct Command: Sendable {
  /// The words that select it: `lab up`.
  var name: String
  /// What stands for its operands in the help, in order: `SCENARIO`, `[RUN]`.
  var operands: [String] = []
  /// What it does, in one line.
  var summary: String
  /// What a reader of `--help` needs beyond the options.
  var details: String = ""
  /// Its options, in the order of the help.
  var options: [Option] = []
  /// Commands that only this program calls are not listed.
  var isInternal = false
  /// Does it.
  var run: @Sendable (Invocation, Tool) async throws -> ExitCode
}

/// The words of a command line after parsing.
struct Invocation: Sendable {
  var operands: [String] = []
  var values: [String: [String]] = [:]

  /// Whether a switch was given.
  func has(_ name: String) -> Bool { values[name] != nil }

  /// The value of an option; of a repeated one the last.
  func value(_ name: String) -> String? { values[name]?.last }

  /// All values of a repeated option.
  func all(_ name: String) -> [String] { values[name] ?? [] }
}

/// Reads `words` as options and operands of `command`.
///
/// - Throws: ``Problem`` with ``ExitCode/usage`` naming the word and the nearest option.
func parse(_ words: [String], for command: Command) throws(Problem) -> Invocation {
  var invocation = Invocation()
  var rest = words[...]
  var onlyOperands = false
  while let word = rest.popFirst() {
    if onlyOperands || word == "-" || !word.hasPrefix("-") {
      invocation.operands.append(word)
      continue
    }
    if word == "--" {
      onlyOperands = true
      continue
    }
    let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let name = String(parts[0])
    guard let option = command.options.first(where: { $0.name == name }) else {
      let near = nearest(name, in: command.options.map(\.name))
      throw Problem(
        .usage, "'\(command.name)' has no option \(name)",
        fix: (near.map { "did you mean \($0)? " } ?? "") + "see blackstart \(command.name) --help")
    }
    if !option.repeats && invocation.has(name) {
      throw Problem(.usage, "\(name) was given twice", fix: "give it once")
    }
    switch (option.value, parts.count == 2) {
    case (nil, false): invocation.values[name, default: []].append("")
    case (nil, true): throw Problem(.usage, "\(name) is a switch and takes no value", fix: "write \(name) alone")
    case (let value?, let isJoined):
      // An empty value is what an unset variable of a script leaves; taken as a directory it would be the root.
      guard let given = isJoined ? String(parts[1]) : rest.popFirst(), !given.isEmpty else {
        throw Problem(.usage, "\(name) needs a value", fix: "write \(name) \(value)")
      }
      invocation.values[name, default: []].append(given)
    }
  }
  let required = command.operands.count(where: { !$0.hasPrefix("[") })
  if invocation.operands.count < required {
    throw Problem(
      .usage, "'\(command.name)' needs \(command.operands[invocation.operands.count])", fix: usage(of: command))
  }
  if invocation.operands.count > command.operands.count {
    throw Problem(
      .usage, "'\(command.name)' takes no '\(invocation.operands[command.operands.count])'", fix: usage(of: command))
  }
  return invocation
}

/// `blackstart run SCENARIO [options]`.
func usage(of command: Command) -> String {
  let options = command.options.isEmpty ? [] : ["[options]"]
  return (["blackstart", command.name] + command.operands + options).joined(separator: " ")
}

/// The help of one command, from the table that the parser reads.
func help(for command: Command) -> String {
  var lines = ["usage: \(usage(of: command))", "", command.summary]
  if !command.details.isEmpty { lines += ["", command.details] }
  if !command.options.isEmpty {
    let heads = command.options.map { "  \($0.name)\($0.value.map { " \($0)" } ?? "")" }
    let width = (heads.map(\.count).max() ?? 0) + 2
    lines += ["", "options:"]
    for (head, option) in zip(heads, command.options) {
      lines.append(head + String(repeating: " ", count: width - head.count) + option.help)
    }
  }
  return lines.joined(separator: "\n") + "\n"
}

/// The candidate that differs from `word` in the fewest letters, if it is near enough to be meant.
func nearest(_ word: String, in candidates: [String]) -> String? {
  let scored = candidates.map { ($0, editDistance(Array(word.utf8), Array($0.utf8))) }
  guard let best = scored.min(by: { $0.1 < $1.1 }), best.1 <= max(2, word.count / 3) else { return nil }
  return best.0
}

private func editDistance(_ a: [UInt8], _ b: [UInt8]) -> Int {
  var row = Array(0...b.count)
  for i in 0..<a.count {
    var diagonal = row[0]
    row[0] = i + 1
    for j in 0..<b.count {
      let substituted = diagonal + (a[i] == b[j] ? 0 : 1)
      diagonal = row[j + 1]
      row[j + 1] = min(substituted, row[j] + 1, row[j + 1] + 1)
    }
  }
  return row[b.count]
}
