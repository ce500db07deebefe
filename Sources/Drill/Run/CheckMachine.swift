internal import Glibc
internal import Stacks
internal import Support

/// Checks what a drill needs of this machine before anything is made: root, and the servers' programs.
///
/// - Throws: ``Problem`` with ``ExitCode/usage``, saying what is missing and how to get it.
public func checkMachine() throws {
  guard geteuid() == 0 else {
    throw Problem(
      .usage, "a drill needs root: it makes network namespaces and nf_tables rules; nothing was made",
      fix: "run it with sudo")
  }
  _ = try ServerBinaries.locate()
}
