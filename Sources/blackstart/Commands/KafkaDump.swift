internal import Glibc
internal import KafkaWire
internal import Support

extension Commands {
  /// `blackstart kafka dump`
  static let kafkaDump = Command(
    name: "kafka dump", operands: ["PATH"],
    summary: "Prints the records of a partition's log from its segment files, without a broker. Touches nothing.",
    details: """
      PATH is a segment (00000000000000000000.log) or the directory of a partition, whose name says topic and partition. The
      topics that MirrorMaker 2 keeps for itself, and __consumer_offsets, are decoded. Checksums are verified; compressed batches
      and message sets of before 0.11 are refused by name.

      With --identities, what stands more than once is found by  blackstart kafka dump PATH --identities | sort | uniq -d
      """,
    options: [
      Option(name: "--identities", help: "one line a record: the value of its identity header, and nothing else"),
      Option(name: "--header", value: "NAME", help: "the header that bears the identity (event-id)"),
      Option(name: "--committed", help: "only what a reader of committed transactions is given"),
    ]
  ) { invocation, tool in
    let path = invocation.operands[0]
    var dump = SegmentDump(
      topic: SegmentDump.topic(of: path), header: invocation.value("--header") ?? "event-id",
      onlyIdentities: invocation.has("--identities"), onlyCommitted: invocation.has("--committed"))
    let segments = try SegmentDump.segments(at: path)
    for segment in segments {
      try dump.read(segment, isLast: segment == segments.last) { tool.console.print($0) }
    }
    for remark in dump.remarks { tool.console.note("\(remark)\n") }
    return .pass
  }
}

/// A partition's log as lines of text, one a record.
private struct SegmentDump {
  private let topic: MirrorTopic?
  private let header: String
  private let onlyIdentities: Bool
  private let onlyCommitted: Bool
  /// By producer: the lines of its open transaction.
  private var open: [Int64: [String]] = [:]
  private var anonymous = 0
  private var aborted = 0
  private var ends: [String] = []

  init(topic: MirrorTopic?, header: String, onlyIdentities: Bool, onlyCommitted: Bool) {
    self.topic = topic
    self.header = header
    self.onlyIdentities = onlyIdentities
    self.onlyCommitted = onlyCommitted
  }

  /// What is told besides, when all was read.
  var remarks: [String] {
    var remarks = ends
    let left = open.values.reduce(0) { $0 + $1.count }
    if onlyCommitted, aborted > 0 { remarks.append("left out: \(aborted) records of aborted transactions") }
    if onlyCommitted, left > 0 { remarks.append("left out: \(left) records of transactions that have not ended") }
    if onlyIdentities, anonymous > 0 { remarks.append("left out: \(anonymous) records without a header '\(header)'") }
    return remarks
  }

  /// What the directory of the partition says the topic is.
  static func topic(of path: String) -> MirrorTopic? {
    var parts = path.split(separator: "/")
    if parts.last?.hasSuffix(".log") ?? false { parts.removeLast() }
    guard let directory = parts.last, let dash = directory.lastIndex(of: "-") else { return nil }
    return MirrorTopic(String(directory[..<dash]))
  }

  /// The segments at `path`, in the order of their offsets.
  static func segments(at path: String) throws -> [String] {
    if path.hasSuffix(".log") { return [path] }
    guard let directory = opendir(path) else { throw SystemError("opendir", path) }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      if name.hasSuffix(".log") { names.append("\(path)/\(name)") }
    }
    guard !names.isEmpty else {
      throw Problem(.usage, at: path, "has no segment (*.log)", fix: "name the directory of a partition, or a segment")
    }
    return names.sorted()
  }

  mutating func read(_ path: String, isLast: Bool, _ print: (String) -> Void) throws {
    let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw SystemError("open", path) }
    defer { close(descriptor) }
    var reader = SegmentReader()
    var chunk = [UInt8](repeating: 0, count: 1 << 20)
    while true {
      let count = Glibc.read(descriptor, &chunk, chunk.count)
      guard count >= 0 else { throw SystemError("read", path) }
      if count == 0 { break }
      reader.append(chunk[..<count])
      do throws(WireError) {
        while let batch = try reader.next() { for line in try lines(of: batch) { print(line + "\n") } }
      } catch {
        throw Problem(
          .usage, at: path, "the batch at byte \(reader.offset) cannot be read: \(error)",
          fix: "what stands before it was printed; compare with kafka-dump-log")
      }
    }
    switch reader.end() {
    case .clean, .zeros: break
    case .cut(let left):
      ends.append(
        "\(path): cut off: \(left) bytes at its end are no whole batch\(isLast ? "" : ", and it is not the last segment")"
      )
    }
  }

  private mutating func lines(of batch: RecordBatch) throws(WireError) -> [String] {
    if batch.isControl {
      var lines: [String] = []
      for record in batch.records {
        let kind = try ControlRecord(record).kind
        if onlyCommitted, kind == .commit || kind == .abort {
          let held = open.removeValue(forKey: batch.producerID) ?? []
          if kind == .commit { lines += held } else { aborted += held.count }
        }
        if !onlyIdentities {
          lines.append("\(record.offset) \(kind) producer \(batch.producerID) epoch \(batch.producerEpoch)")
        }
      }
      return lines
    }
    var lines: [String] = []
    for record in batch.records {
      guard let line = try line(of: record, batch) else {
        anonymous += 1
        continue
      }
      lines.append(line)
    }
    guard onlyCommitted, batch.isTransactional else { return lines }
    open[batch.producerID, default: []] += lines
    return []
  }

  private func line(of record: RecordBatch.Record, _ batch: RecordBatch) throws(WireError) -> String? {
    if onlyIdentities { return record.headers.first { $0.key == header }?.value.map(text) }
    let content =
      switch topic {
      case .offsetSyncs: try OffsetSyncRecord(key: record.key, value: record.value).map { "\($0)" }
      case .checkpoints: try CheckpointRecord(key: record.key, value: record.value).map { "\($0)" }
      case .heartbeats, .ownHeartbeats: try HeartbeatRecord(key: record.key, value: record.value).map { "\($0)" }
      case .consumerOffsets: "\(try ConsumerOffsetsRecord(key: record.key, value: record.value))"
      case nil: String?.none
      }
    if topic != nil { return "\(record.offset) time \(record.timestamp) \(content ?? "tombstone")" }
    var line = "\(record.offset) time \(record.timestamp)"
    if batch.producerID >= 0 { line += " producer \(batch.producerID) epoch \(batch.producerEpoch)" }
    if batch.isTransactional { line += " transactional" }
    line += " key \(record.key.map(text) ?? "null") value \(record.value.map(text) ?? "null")"
    for header in record.headers { line += " \(text(Array(header.key.utf8)[...]))=\(header.value.map(text) ?? "null")" }
    return line
  }

  /// Bytes as one word of a line: as they are where they are plain text, in hexadecimal where not.
  private func text(_ bytes: ArraySlice<UInt8>) -> String {
    if let text = String(validating: bytes, as: UTF8.self), !text.isEmpty,
      text.unicodeScalars.allSatisfy({ $0.value > 32 && $0.value != 127 })
    {
      return text
    }
    let digits = Array("0123456789abcdef")
    return "0x" + String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 0xf)]] })
  }
}
