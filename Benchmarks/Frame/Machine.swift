internal import Glibc
internal import Support

/// What the figures depend on, in one line: kernel, processors, load, time.
func machineLine(seed: UInt64) throws -> String {
  func line(_ path: String) throws -> String {
    String(decoding: try readFile(path, limit: 1 << 20).prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
  }
  let model =
    String(decoding: try readFile("/proc/cpuinfo", limit: 1 << 20), as: UTF8.self)
    .split(separator: "\n").first { $0.hasPrefix("model name") }?
    .split(separator: ":").last?.drop { $0 == " " }
  let load = try line("/proc/loadavg").split(separator: " ").prefix(3).joined(separator: " ")
  #if DEBUG
    let build = "debug build"
  #else
    let build = "release build"
  #endif
  return "kernel \(try line("/proc/sys/kernel/osrelease")), \(sysconf(Int32(_SC_NPROCESSORS_ONLN))) CPUs"
    + "\(model.map { " (\($0))" } ?? ""), load \(load), \(build) \(try Version.build()), "
    + "\(timestamp(Timebase.system.wall())), seed \(seed)"
}
