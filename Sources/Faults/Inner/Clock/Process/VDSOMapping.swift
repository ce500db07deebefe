internal import Glibc
internal import Support

/// Where a process has its vDSO.
struct VDSOMapping: Sendable, Hashable {
  var start: UInt64
  var size: Int

  /// - Throws: ``TraceError`` or ``VDSOError`` when it is gone or has none.
  init(of process: ProcessIdentity) throws {
    guard let maps = try? readFile("/proc/\(process.pid)/maps") else { throw TraceError(.gone, process) }
    guard let found = Self.find(in: maps) else {
      try TraceableProcess.check(process)
      throw VDSOError("it has none mapped (boot option vdso=0, or it was removed)")
    }
    self = found
  }

  init(start: UInt64, size: Int) {
    self.start = start
    self.size = size
  }

  /// Where the kernel told a process at its start that its vDSO is: a quick look at processes that may be anybody's.
  ///
  /// - Returns: `nil` where it was not told, is not ours to see, or has ended.
  static func start(of pid: Int32) -> UInt64? {
    guard let words = try? readFile("/proc/\(pid)/auxv", limit: 1 << 16) else { return nil }
    for place in stride(from: 0, to: words.count - 15, by: 16) where words.word(at: place) == 33 {  // AT_SYSINFO_EHDR
      return words.word(at: place + 8)
    }
    return nil
  }

  /// Finds it in the text of /proc/PID/maps (proc(5)), which is long for large programs.
  static func find(in maps: [UInt8]) -> VDSOMapping? {
    let name = Array("[vdso]\n".utf8)
    var lineStart = 0
    while lineStart < maps.count {
      let lineEnd = maps[lineStart...].firstIndex(of: UInt8(ascii: "\n")) ?? maps.count
      if maps[lineStart..<min(lineEnd + 1, maps.count)].suffix(name.count).elementsEqual(name) {
        let range = String(decoding: maps[lineStart..<lineEnd].prefix { $0 != UInt8(ascii: " ") }, as: UTF8.self)
        let ends = range.split(separator: "-").compactMap { UInt64($0, radix: 16) }
        guard ends.count == 2, ends[0] < ends[1], ends[1] - ends[0] <= 1 << 20 else { return nil }
        return VDSOMapping(start: ends[0], size: Int(ends[1] - ends[0]))
      }
      lineStart = lineEnd + 1
    }
    return nil
  }
}
