internal import Glibc
internal import Support

/// What programs do to files, timed one by one, in nanoseconds.
struct DiskWork: Sendable {
  /// Where: a directory.
  var directory: String

  /// Writes of 1 MiB one behind the other; the last one waits for the disk.
  func sequential(_ count: Int) throws -> Samples {
    try withFile("sequential") { file in
      let bytes = [UInt8](repeating: 7, count: 1 << 20)
      var samples = Samples()
      for place in 0..<count {
        samples.add(try timed { try file.write(bytes, at: place << 20, isLast: place == count - 1) })
      }
      return samples
    }
  }

  /// Writes of 8 KiB at drawn places of 16 MiB, each of which waits for the disk.
  func random(_ count: Int, seed: UInt64) throws -> Samples {
    try withFile("random") { file in
      try file.write([UInt8](repeating: 1, count: 16 << 20), at: 0, isLast: true)
      let bytes = [UInt8](repeating: 2, count: 8192)
      var (samples, generator) = (Samples(), SeededRandom(seed: seed))
      for _ in 0..<count {
        let place = Int.random(in: 0..<2048, using: &generator) * 8192
        samples.add(try timed { try file.write(bytes, at: place, isLast: true) })
      }
      return samples
    }
  }

  /// A file made, closed, looked at and removed.
  func metadata(_ count: Int) throws -> Samples {
    var samples = Samples()
    for number in 0..<count {
      let path = "\(directory)/file-\(number)"
      samples.add(
        try timed {
          _ = try WorkFile(path)
          var information = stat()
          guard stat(path, &information) == 0 else { throw SystemError("stat", path) }
          guard unlink(path) == 0 else { throw SystemError("unlink", path) }
        })
    }
    return samples
  }

  /// `fsync` of a file of which 512 bytes were written anew.
  func syncs(_ count: Int) throws -> Samples {
    try withFile("sync") { file in
      var samples = Samples()
      for number in 0..<count {
        try file.write([UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 512), at: 0)
        samples.add(try timed { try file.sync() })
      }
      return samples
    }
  }

  private func withFile<T>(_ name: String, _ body: (WorkFile) throws -> T) throws -> T {
    let path = "\(directory)/\(name)"
    let result = try body(WorkFile(path))
    guard unlink(path) == 0 else { throw SystemError("unlink", path) }
    return result
  }
}

/// The hidden command `sync-loop FILE LOG`: does what ``DiskWork/syncs(_:)`` does until it is killed, and appends to LOG,
/// for each turn, when it began, how long `fsync` took, and how long a system call that does nothing took.
func syncUntilKilled(_ words: [String]) throws {
  guard words.count == 2 else { throw Problem(.usage, "sync-loop is for the measure of disks only") }
  let (file, log) = (try WorkFile(words[0]), try WorkFile(words[1]))
  var (end, number) = (0, 0)
  while true {
    number += 1
    try file.write([UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 512), at: 0)
    let idle = timed { for _ in 0..<20 { _ = getppid() } } / 20
    let begun = Timebase.system.monotonic()
    let took = try timed { try file.sync() }
    let line = Array("\(begun) \(took) \(idle)\n".utf8)
    try log.write(line, at: end)
    end += line.count
  }
}

/// How long something took.
private func timed(_ body: () throws -> Void) rethrows -> Int64 {
  let begun = Timebase.system.monotonic()
  try body()
  return Timebase.system.monotonic() - begun
}

/// An open file.
private final class WorkFile {
  private let descriptor: Int32
  private let path: String

  init(_ path: String) throws(SystemError) {
    self.path = path
    descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw SystemError("open", path) }
  }

  deinit { close(descriptor) }

  func write(_ bytes: [UInt8], at offset: Int, isLast: Bool = false) throws(SystemError) {
    guard pwrite(descriptor, bytes, bytes.count, offset) == bytes.count else { throw SystemError("pwrite", path) }
    if isLast, fdatasync(descriptor) != 0 { throw SystemError("fdatasync", path) }
  }

  func sync() throws(SystemError) {
    guard fsync(descriptor) == 0 else { throw SystemError("fsync", path) }
  }
}
