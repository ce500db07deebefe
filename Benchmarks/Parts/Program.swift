internal import Glibc
internal import Support

/// A program to be run to its end, as other tools do for each change of their rules.
struct Program: Sendable {
  /// Its path.
  var path: String
  /// Its arguments after its own name.
  var arguments: [String]
  /// The file that it reads as standard input.
  var input = "/dev/null"
  /// The file that its standard output goes to; made anew.
  var output = "/dev/null"
  /// Whether it may end with an error, as programs do that are run to be on the safe side.
  var mayFail = false

  /// Runs it in the network namespace of the calling thread and waits. Blocks.
  ///
  /// Straight to `posix_spawn`, the cheapest way there is: the comparison shall not suffer from how we start programs.
  ///
  /// - Throws: ``SystemError`` when it cannot be started, ``Problem`` when it fails, with what it said.
  func run(errors: String) throws {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, input, O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
    posix_spawn_file_actions_addopen(&actions, 2, errors, O_WRONLY | O_CREAT | O_APPEND, 0o644)
    // Freed below; the child has a copy.
    var words = ([path] + arguments).map { strdup($0) } + [nil]
    defer { for word in words { free(word) } }
    var environment = [strdup("PATH=/usr/sbin:/usr/bin:/sbin:/bin"), nil]
    defer { for word in environment { free(word) } }
    var pid = pid_t()
    let failure = posix_spawn(&pid, path, &actions, nil, &words, &environment)
    guard failure == 0 else { throw SystemError("posix_spawn", path, number: failure) }
    var status: Int32 = 0
    while waitpid(pid, &status, 0) < 0 {
      guard errno == EINTR else { throw SystemError("waitpid", path) }
    }
    guard status == 0 || mayFail else {
      let said = String(decoding: try readFile(errors).suffix(400), as: UTF8.self)
      throw Problem(
        .fail, at: ([path] + arguments).joined(separator: " "), "it ended with wait status \(status): \(said)")
    }
  }

  /// Whether the program is installed.
  static func isInstalled(_ path: String) -> Bool { access(path, X_OK) == 0 }
}
