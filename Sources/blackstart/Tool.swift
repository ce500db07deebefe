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
      if words.dropFirst().first == "--markdown" {
        console.print(Self.markdown())
      } else {
        console.print(overview())
      }
      return .pass
    }
    if first == "--version" { return try await dispatch(["version"]) }
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
    let group = visible.filter { $0.name.hasPrefix("\(words[0]) ") }
    if !group.isEmpty {
      throw Problem(
        .usage,
        "'\(words[0])' needs one of: \(group.map { $0.name.dropFirst(words[0].count + 1) }.joined(separator: ", "))",
        fix: usage(of: group[0]))
    }
    let near = nearest(words[0], in: visible.map(\.name))
    throw Problem(
      .usage, "there is no command '\(words[0])'",
      fix: (near.map { "did you mean '\($0)'? " } ?? "") + "blackstart --help lists all")
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
