import Glibc
import Support
import Testing

/// Directories that are wrong, and a user who may not do what a drill must do.
@Suite("Surroundings", .enabled(if: geteuid() == 0, "needs root, to become somebody else"))
struct SurroundingsTests {
  @Test("a run directory that exists is refused, and nothing in it is changed")
  func runDirectoryExists() async throws {
    try await withDirectory("place") { directory in
      try makeDirectory("\(directory)/r")
      try writeFile("\(directory)/r/journal.jsonl", Array("mine".utf8))
      let result = try await Blackstart.run(
        ["run", Blackstart.scenario, "--run-dir", "r", "--state", "\(directory)/state"], in: directory)
      #expect(result.code == 2)
      #expect(
        result.errors == """
          r: error: the run directory exists already; a run never writes over another's evidence
            fix: name another with --run-dir, or remove it

          """)
      #expect(try listDirectory("\(directory)/r") == ["journal.jsonl"])
      #expect(try readFile("\(directory)/r/journal.jsonl") == Array("mine".utf8))
      #expect(!fileExists("\(directory)/state"))
    }
  }

  @Test("a run directory that cannot be made is refused")
  func runDirectoryCannotBeMade() async throws {
    try await withDirectory("place") { directory in
      try writeFile("\(directory)/file", [])
      let result = try await Blackstart.run(["run", Blackstart.scenario, "--run-dir", "file/r"], in: directory)
      #expect(result.code == 2)
      #expect(result.errors.hasPrefix("file/r: error: the run directory cannot be made: mkdir"))
      #expect(result.errors.contains("Not a directory (20)\n  fix: name another with --run-dir\n"))
    }
  }

  @Test("a disk that is full from the start: nothing is touched, status 2")
  func diskIsFull() async throws {
    try await withDirectory("place") { directory in
      try await withSmallDisk(at: "\(directory)/disk", size: "16k") { disk in
        let result = try await Blackstart.run(
          ["run", Blackstart.scenario, "--run-dir", "\(disk)/r", "--state", "\(directory)/state"], in: directory)
        #expect(result.code == 2)
        #expect(result.errors.contains("\(disk)/r: error: the run"))
        #expect(result.errors.contains("No space left on device (28)"))
        #expect(result.errors.contains("\n  fix: "))
        #expect(!fileExists("\(directory)/state"))
      }
    }
  }

  @Test("without root, run and lab up say so and make nothing; doctor says what is missing")
  func notRoot() async throws {
    try await withDirectory("place") { directory in
      // Somebody else may not enter the directory of the build.
      let program = "\(directory)/blackstart"
      let copied = try await Blackstart.command("/bin/cp", [Blackstart.program, program], in: directory)
      try #require(copied.code == 0)
      try writeFile("\(directory)/x.yaml", readFile(Blackstart.scenario))
      let home = "\(directory)/home"
      try makeDirectory(home)
      try #require(chown(home, 1000, 1000) == 0)
      func run(_ arguments: [String]) async throws -> Blackstart.Result {
        try await Blackstart.run(arguments, in: directory, program: program, user: 1000)
      }

      let drill = try await run(["run", "x.yaml", "--run-dir", "\(home)/r", "--state", "\(home)/state"])
      #expect(drill.code == 2)
      #expect(
        drill.errors == """
          error: a drill needs root: it makes network namespaces and nf_tables rules; nothing was made
            fix: run it with sudo

          """)
      #expect(drill.output == "")

      let lab = try await run(["lab", "up", "--state", "\(home)/state"])
      #expect(lab.code == 2)
      #expect(
        lab.errors == """
          error: a lab needs root: it makes network namespaces and starts PostgreSQL as another user; nothing was made
            fix: run it with sudo

          """)
      #expect(try listDirectory(home) == [])

      let doctor = try await run(["doctor", "--state", "\(home)/state"])
      #expect(doctor.code == 4)
      #expect(doctor.output.contains("MISSING privileges"))
      #expect(doctor.output.contains("not root (uid 1000)"))
      #expect(doctor.output.hasSuffix("A drill cannot run here: 2 missing.\n"))

      // What needs no root works without.
      #expect(try await run(["validate", "x.yaml"]).code == 0)
      #expect(try await run(["plan", "x.yaml"]).code == 0)
    }
  }

  @Test("with root, doctor finds that a drill can run, and leaves nothing")
  func doctor() async throws {
    try await withDirectory("place") { directory in
      let result = try await Blackstart.run(["doctor", "--state", "\(directory)/state"], in: directory)
      #expect(result.code == 0, "\(result.output)")
      #expect(result.output.hasSuffix("A drill can run here.\n"))
      #expect(try listDirectory("\(directory)/state") == [])
    }
  }

  @Test("report of what is no run directory says so")
  func reportOfNothing() async throws {
    try await withDirectory("place") { directory in
      for name in [".", "none"] {
        let result = try await Blackstart.run(["report", name], in: directory)
        #expect(result.code == 2)
        #expect(
          result.errors == """
            \(name): error: this is no run directory: it has no journal.jsonl
              fix: name a directory below runs/

            """)
      }
      // A directory that has nothing but a journal, as a kill in the first instant leaves it.
      try makeDirectory("\(directory)/half")
      try writeFile("\(directory)/half/journal.jsonl", [])
      let half = try await Blackstart.run(["report", "half"], in: directory)
      #expect(half.code == 2)
      #expect(
        half.errors == """
          half: error: this run cannot be judged, for a file of it cannot be read: open half/scenario.yaml: No such file or \
          directory (2); nothing was changed
            fix: bring the whole directory, as the run left it

          """)
      #expect(try listDirectory("\(directory)/half") == ["journal.jsonl"])
    }
  }

  @Test("recover, lab status and lab down with nothing there")
  func nothingToRecover() async throws {
    try await withDirectory("place") { directory in
      let state = ["--state", "\(directory)/state"]
      let recover = try await Blackstart.run(["recover"] + state, in: directory)
      #expect(recover.code == 0)
      #expect(recover.output == "There was nothing to remove.\n")
      let list = try await Blackstart.run(["recover", "--list"] + state, in: directory)
      #expect(list.code == 0)
      #expect(list.output == "Nothing is held.\n")
      let status = try await Blackstart.run(["lab", "status"] + state, in: directory)
      #expect(status.code == 2)
      #expect(status.errors.contains("error: there is no lab 'lab'\n"))
      let down = try await Blackstart.run(["lab", "down"] + state, in: directory)
      #expect(down.code == 2)
      #expect(down.errors.contains("error: there is no lab 'lab'; nothing was changed\n"))
      #expect(!fileExists("\(directory)/state"))
    }
  }
}

/// A file system of `size` (as mount(8) takes it) at `path`, for as long as `body` runs.
func withSmallDisk(at path: String, size: String, _ body: (String) async throws -> Void) async throws {
  try makeDirectory(path)
  let mounted = try await Blackstart.command(
    "/bin/mount", ["-t", "tmpfs", "-o", "size=\(size)", "blackstart-test", path], in: "/tmp")
  try #require(mounted.code == 0, "\(mounted.errors)")
  let outcome: Result<Void, any Error>
  do { outcome = .success(try await body(path)) } catch { outcome = .failure(error) }
  let unmounted = try await Blackstart.command("/bin/umount", [path], in: "/tmp")
  #expect(unmounted.code == 0, "\(unmounted.errors)")
  try outcome.get()
}
