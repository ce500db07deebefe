import Glibc
import Support
import Testing
import TestSupport

/// A directory that is removed by the C library's own means, not by the function under test.
private func scratch(_ body: (String) async throws -> Void) async throws {
  try await withTemporaryDirectory("files", remove: { try removeTree($0) }, body)
}

@Test func aWrittenFileReadsBackWithItsMode() async throws {
  try await scratch { directory in
    let path = "\(directory)/a"
    try writeFile(path, [1, 2, 3], mode: 0o600)
    try writeFile(path, Array(repeating: 7, count: 200_000), mode: 0o600)
    #expect(try readFile(path) == Array(repeating: 7, count: 200_000))
    var information = stat()
    #expect(stat(path, &information) == 0)
    #expect(information.st_mode & 0o777 == 0o600)
    #expect(try listDirectory(directory) == ["a"])
  }
}

@Test func readingNamesTheCallAndThePath() async throws {
  try await scratch { directory in
    #expect(throws: SystemError("open", "\(directory)/none", number: ENOENT)) { try readFile("\(directory)/none") }
    #expect(throws: SystemError("read", directory, number: EISDIR)) { try readFile(directory) }
    try writeFile("\(directory)/big", Array(repeating: 0, count: 100))
    #expect(throws: SystemError("read", "\(directory)/big", number: EFBIG)) {
      try readFile("\(directory)/big", limit: 99)
    }
    #expect(try readFile("\(directory)/big", limit: 100).count == 100)
  }
}

@Test func aFailedWriteLeavesTheOldContent() async throws {
  try await scratch { directory in
    #expect(throws: SystemError("open", "\(directory)/no/a.new", number: ENOENT)) {
      try writeFile("\(directory)/no/a", [1])
    }
    try makeDirectory("\(directory)/d/inside")
    #expect(throws: SystemError("rename", "\(directory)/d", number: EISDIR)) { try writeFile("\(directory)/d", [1]) }
    #expect(fileExists("\(directory)/d/inside"))
  }
}

@Test func directoriesAreMadeWithThoseAboveThem() async throws {
  try await scratch { directory in
    try makeDirectory("\(directory)/x/y/z", mode: 0o700)
    try makeDirectory("\(directory)/x/y/z")
    #expect(try listDirectory("\(directory)/x") == ["y"])
    try writeFile("\(directory)/file", [])
    #expect(throws: SystemError("mkdir", "\(directory)/file", number: ENOTDIR)) {
      try makeDirectory("\(directory)/file")
    }
    #expect(throws: SystemError("mkdir", "\(directory)/file/x", number: ENOTDIR)) {
      try makeDirectory("\(directory)/file/x")
    }
    #expect(symlink("/nonexistent", "\(directory)/dangling") == 0)
    #expect(throws: SystemError("mkdir", "\(directory)/dangling", number: EEXIST)) {
      try makeDirectory("\(directory)/dangling")
    }
  }
}

@Test func removingATreeFollowsNoLink() async throws {
  try await scratch { directory in
    try makeDirectory("\(directory)/keep")
    try writeFile("\(directory)/keep/precious", [1])
    try makeDirectory("\(directory)/tree/a/b")
    try writeFile("\(directory)/tree/a/b/file", [1])
    #expect(symlink("\(directory)/keep", "\(directory)/tree/a/link") == 0)
    #expect(symlink("\(directory)/keep", "\(directory)/itself") == 0)
    #expect(mkfifo("\(directory)/tree/pipe", 0o600) == 0)
    try removeTree("\(directory)/tree")
    try removeTree("\(directory)/itself")
    try removeTree("\(directory)/never-there")
    #expect(try listDirectory(directory) == ["keep"])
    #expect(fileExists("\(directory)/keep/precious"))
  }
}

@Test func fileExistsSeesADanglingLink() async throws {
  try await scratch { directory in
    #expect(symlink("/nonexistent", "\(directory)/link") == 0)
    #expect(fileExists("\(directory)/link"))
    #expect(!fileExists("\(directory)/other"))
    let none = try listDirectory("\(directory)/other")
    #expect(none.isEmpty)
    #expect(throws: SystemError("opendir", "/etc/passwd", number: ENOTDIR)) { try listDirectory("/etc/passwd") }
  }
}
