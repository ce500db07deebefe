internal import Support

/// The command line: finds the command, runs it, and turns every error into one message and an exit code.
struct Tool: Sendable {
  let console: Console

  /// Runs the words after the program's name.
  func run(_ words: [String]) async -> ExitCode {
    do {
      return try await dispatch(words)
    } catch let problem as Problem {
      console.note("\(problem)\n")
      return problem.code
    } catch let problems as Problems {
      console.note("\(problems)\n")
      return problems.items.first?.code ?? .usage
    } catch {
      console.note("error: \(error)\n")
      return .faultNotApplied
    }
  }

  private func dispatch(_ words: [String]) async throws -> ExitCode {
    guard let first = words.first else {
      console.note(overview())
      return .usage
    }
    if ["--help", "-h", "help"].contains(first) {
      let topic = Array(words.dropFirst())
      if topic == ["--markdown"] {
        console.print(Self.markdown())
        return .pass
      }
      if topic.isEmpty || topic[0].hasPrefix("-") {
        console.print(overview())
        return .pass
      }
      return try await dispatch(topic + ["--help"])
    }
    if first == "--version" { return try await dispatch(["version"]) }
    if words.count > 1, ["--help", "-h"].contains(words[1]), let text = groupHelp(first) {
      console.print(text)
      return .pass
    }
    let command = try find(words)
    let rest = Array(words.dropFirst(command.name.split(separator: " ").count))
    if rest.contains("--help") || rest.contains("-h") {
      console.print(help(for: command))
      return .pass
    }
    return try await command.run(parse(rest, for: command), self)
  }

  /// The command whose words come first; of `lab up` and `lab` the longer one.
  private func find(_ words: [String]) throws(Problem) -> Command {
    let matches = Commands.all.filter { words.starts(with: $0.name.split(separator: " ").map(String.init)) }
    if let command = matches.max(by: { $0.name.count < $1.name.count }) { return command }
    let visible = Commands.all.filter { !$0.isInternal }
    let group = group(words[0])
    if !group.isEmpty {
      let members = group.map { String($0.name.dropFirst(words[0].count + 1)) }
      let what = words.count == 1 ? "'\(words[0])' needs a word more" : "'\(words[0])' has no '\(words[1])'"
      let near = words.count == 1 ? nil : nearest(words[1], in: members)
      throw Problem(
        .usage, what,
        fix: (near.map { "did you mean '\(words[0]) \($0)'? " } ?? "") + "one of: \(members.joined(separator: ", "))")
    }
    let near = nearest(words[0], in: visible.map(\.name))
    throw Problem(
      .usage, "there is no command '\(words[0])'",
      fix: (near.map { "did you mean '\($0)'? " } ?? "") + "blackstart --help lists all")
  }

  /// The commands whose first word is `word`: `lab up`, `lab status`, …
  private func group(_ word: String) -> [Command] {
    Commands.all.filter { !$0.isInternal && $0.name.hasPrefix("\(word) ") }
  }

  /// The help of all commands that begin with `word`; `nil` when that is a command by itself, or none.
  private func groupHelp(_ word: String) -> String? {
    let group = group(word)
    return group.isEmpty ? nil : group.map { help(for: $0) }.joined(separator: "\n")
  }

  private func overview() -> String {
    let visible = Commands.all.filter { !$0.isInternal }
    let width = (visible.map(\.name.count).max() ?? 0) + 2
    let rows = visible.map { "  \($0.name)\(String(repeating: " ", count: width - $0.name.count))\($0.summary)" }
    return """
      Blackstart \(Version.number): breaks a multi-region system for real, and proves its recovery.

      usage: blackstart COMMAND [operands] [options]      blackstart COMMAND --help

      \(rows.joined(separator: "\n"))

      exit status: 0 all items PASS · 1 an item FAILs · 2 wrong scenario or command line · 3 no steady state beforehand ·
        4 a fault could not be applied or verified · 5 something may remain · 6 aborted · 7 inconclusive or vacuous ·
        130, 143 ended by a signal; all faults verified gone

      """
  }

  /// `docs/commands.md`, from the same table as the help.
  static func markdown() -> String {
    let parts = Commands.all.filter { !$0.isInternal }.map { command in
      "## \(command.name)\n\n```\n\(help(for: command))```\n"
    }
    return "# Commands\n\nMade by `blackstart help --markdown`.\n\n" + parts.joined(separator: "\n")
  }
}
