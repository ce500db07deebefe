internal import Glibc
internal import Support

/// How much of a disk control groups get, in each second. What is absent has no limit.
public struct DiskLimit: Sendable, Hashable, Codable {
  /// What lies on the disk: an absolute path, or the name that its node knows it by, such as `store`.
  public var path: String
  /// Bytes that are read.
  public var readBytes: UInt64?
  /// Bytes that are written.
  public var writeBytes: UInt64?
  /// Operations that read.
  public var reads: UInt64?
  /// Operations that write.
  public var writes: UInt64?

  /// Limits for the disk that `path` lies on.
  public init(
    _ path: String, readBytes: UInt64? = nil, writeBytes: UInt64? = nil, reads: UInt64? = nil, writes: UInt64? = nil
  ) {
    self.path = path
    self.readBytes = readBytes
    self.writeBytes = writeBytes
    self.reads = reads
    self.writes = writes
  }

  /// What is wrong with it, in words; `nil` if nothing is.
  var mistake: String? {
    let limits = [readBytes, writeBytes, reads, writes].compactMap(\.self)
    if limits.isEmpty { return "it limits neither bytes nor operations" }
    if limits.contains(0) { return "a limit of 0 would stop the disk for good; freeze the file system for that" }
    if let few = [readBytes, writeBytes].compactMap(\.self).first(where: { $0 < 4096 }) {
      return "\(few) bytes a second are less than one page (4096)"
    }
    if let many = [reads, writes].compactMap(\.self).first(where: { $0 >= UInt64(UInt32.max) }) {
      return "\(many) operations a second are more than the kernel counts"
    }
    return nil
  }
}

extension DiskLimit: CustomStringConvertible {
  /// `50 writes/s, 1048576 bytes read/s`.
  public var description: String {
    [
      readBytes.map { "\($0) bytes read/s" }, writeBytes.map { "\($0) bytes written/s" }, reads.map { "\($0) reads/s" },
      writes.map { "\($0) writes/s" },
    ].compactMap(\.self).joined(separator: ", ")
  }
}

// MARK: What is written

extension DiskLimit {
  /// A line of version 2 behind the device: the limits that stand there, but ours in place of theirs.
  ///
  /// - Parameter original: what stands there, `rbps=max wbps=1048576 riops=max wiops=max`; empty for nothing.
  /// - SeeAlso: Documentation/admin-guide/cgroup-v2.rst, `io.max`.
  func line(inPlaceOf original: String) -> String {
    var values = ["rbps": "max", "wbps": "max", "riops": "max", "wiops": "max"]
    for word in original.split(separator: " ") {
      let parts = word.split(separator: "=", maxSplits: 1)
      if parts.count == 2, values[String(parts[0])] != nil { values[String(parts[0])] = String(parts[1]) }
    }
    for (name, value) in [("rbps", readBytes), ("wbps", writeBytes), ("riops", reads), ("wiops", writes)] {
      if let value { values[name] = "\(value)" }
    }
    return ["rbps", "wbps", "riops", "wiops"].map { "\($0)=\(values[$0] ?? "max")" }.joined(separator: " ")
  }

  /// What of version 2 makes the line go away.
  static let noLine = "rbps=max wbps=max riops=max wiops=max"

  /// The files of version 1, one for each limit, and what is written there behind the device.
  ///
  /// - SeeAlso: Documentation/admin-guide/cgroup-v1/blkio-controller.rst.
  var files: [(name: String, value: UInt64)] {
    [("read_bps", readBytes), ("write_bps", writeBytes), ("read_iops", reads), ("write_iops", writes)]
      .compactMap { name, value in value.map { ("blkio.throttle.\(name)_device", $0) } }
  }
}

/// What went to and came from a device.
struct DiskTraffic: Sendable, Hashable {
  var readBytes: UInt64 = 0
  var writeBytes: UInt64 = 0
  var reads: UInt64 = 0
  var writes: UInt64 = 0

  /// From `io.stat` of version 2: lines such as `254:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0`.
  init(ioStat text: String, device: String) {
    for line in text.split(separator: "\n") where line.hasPrefix("\(device) ") {
      for word in line.split(separator: " ") {
        let parts = word.split(separator: "=", maxSplits: 1)
        guard parts.count == 2, let value = UInt64(parts[1]) else { continue }
        switch parts[0] {
        case "rbytes": readBytes = value
        case "wbytes": writeBytes = value
        case "rios": reads = value
        case "wios": writes = value
        default: break
        }
      }
    }
  }

  /// From `blkio.throttle.io_service_bytes` and `blkio.throttle.io_serviced` of version 1: lines such as `254:0 Write 4096`.
  init(bytes: String, operations: String, device: String) {
    func value(_ text: String, _ name: String) -> UInt64 {
      let line = text.split(separator: "\n").first { $0.hasPrefix("\(device) \(name) ") }
      return line?.split(separator: " ").last.flatMap { UInt64($0) } ?? 0
    }
    (readBytes, writeBytes) = (value(bytes, "Read"), value(bytes, "Write"))
    (reads, writes) = (value(operations, "Read"), value(operations, "Write"))
  }

  init() {}

  static func + (left: Self, right: Self) -> Self {
    var sum = left
    sum.readBytes += right.readBytes
    sum.writeBytes += right.writeBytes
    sum.reads += right.reads
    sum.writes += right.writes
    return sum
  }

  /// Whether what passed since `earlier` is nearly all that a limit lets pass in that time. A group that had less to do was
  /// not held up.
  func isHeldUp(by limit: DiskLimit, since earlier: DiskTraffic, for nanoseconds: Int64) -> Bool {
    let seconds = Double(nanoseconds) / 1e9
    func isNear(_ now: UInt64, _ then: UInt64, _ limit: UInt64?) -> Bool {
      guard let limit, now > then else { return false }
      return Double(now - then) >= 0.7 * Double(limit) * seconds
    }
    return isNear(readBytes, earlier.readBytes, limit.readBytes)
      || isNear(writeBytes, earlier.writeBytes, limit.writeBytes) || isNear(reads, earlier.reads, limit.reads)
      || isNear(writes, earlier.writes, limit.writes)
  }
}
