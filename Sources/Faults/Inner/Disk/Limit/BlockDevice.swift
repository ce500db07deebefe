internal import Glibc
internal import Support

/// A whole disk, as control groups want it.
enum BlockDevice {
  /// `major:minor` of the disk that a path lies on; of a partition the disk that it is a part of.
  ///
  /// - Throws: `SystemError` when there is nothing at the path, or ENOTBLK when it lies on no block device.
  static func holding(_ path: String) throws(SystemError) -> String {
    var information = stat()
    guard stat(path, &information) == 0 else { throw SystemError("stat", path) }
    let number = text(UInt64(information.st_dev))
    guard let whole = try whole(number) else {
      throw SystemError("stat", "\(path), whose file system (device \(number)) is on no block device", number: ENOTBLK)
    }
    return whole
  }

  /// Those with files on them that a process has open for writing.
  ///
  /// - Throws: `SystemError` where that cannot be told: a disk that is overlooked would not be limited.
  static func written(by pid: Int32) throws(SystemError) -> Set<String> {
    var found: Set<String> = []
    for name in try unlessGone({ () throws(SystemError) in try listDirectory("/proc/\(pid)/fd") }) ?? [] {
      let text = try unlessGone { () throws(SystemError) in try readFile("/proc/\(pid)/fdinfo/\(name)", limit: 4096) }
      guard let text, isForWriting(text) else { continue }
      let file = try unlessGone { () throws(SystemError) in
        var information = stat()
        guard stat("/proc/\(pid)/fd/\(name)", &information) == 0 else {
          throw SystemError("stat", "/proc/\(pid)/fd/\(name)")
        }
        return information
      }
      guard let file, file.st_mode & S_IFMT == S_IFREG else { continue }
      if let whole = try whole(Self.text(UInt64(file.st_dev))) { found.insert(whole) }
    }
    return found
  }

  /// A process, or a file of it, that is gone meanwhile is written to no more: `nil`.
  private static func unlessGone<T>(_ body: () throws(SystemError) -> T) throws(SystemError) -> T? {
    do throws(SystemError) { return try body() } catch {
      guard error.number == ENOENT || error.number == ESRCH else { throw error }
      return nil
    }
  }

  /// Whether a text of /proc/PID/fdinfo (proc(5)) is that of a descriptor that can be written through.
  static func isForWriting(_ text: [UInt8]) -> Bool {
    let lines = String(decoding: text, as: UTF8.self).split(separator: "\n")
    guard let line = lines.first(where: { $0.hasPrefix("flags:") }),
      let flags = Int32(line.dropFirst("flags:".count).drop { $0 == " " || $0 == "\t" }, radix: 8)
    else { return false }
    return flags & O_ACCMODE != O_RDONLY
  }

  /// The disk that a device is, or is a partition of; `nil` for one that is no block device.
  private static func whole(_ number: String) throws(SystemError) -> String? {
    guard fileExists("/sys/dev/block/\(number)"), let place = truePath("/sys/dev/block/\(number)") else { return nil }
    guard fileExists("\(place)/partition") else { return number }
    let whole = try readFile("\(place)/../dev", limit: 64)
    return String(decoding: whole.prefix { $0 != 10 }, as: UTF8.self)
  }

  /// A device's number in words (makedev(3)).
  static func text(_ device: UInt64) -> String {
    let major = (device >> 8) & 0xfff | (device >> 32) & ~0xfff
    let minor = device & 0xff | (device >> 12) & ~0xff
    return "\(major & 0xffff_ffff):\(minor & 0xffff_ffff)"
  }
}
