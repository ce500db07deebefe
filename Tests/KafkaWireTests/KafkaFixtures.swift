import KafkaWire
import Testing

#if canImport(FoundationEssentials)
  import FoundationEssentials
#endif

/// The files of Tests/Fixtures/kafka.
enum KafkaFixtures {
  static let folder = #filePath.split(separator: "/").dropLast(2).reduce("") { $0 + "/" + $1 } + "/Fixtures/kafka"

  static func bytes(_ name: String) throws -> [UInt8] {
    try [UInt8](Data(contentsOf: URL(filePath: "\(folder)/\(name)")))
  }

  static func lines(_ name: String) throws -> [String] {
    String(decoding: try bytes(name), as: UTF8.self).split(separator: "\n").map(String.init)
  }

  /// Every segment of the mirrored pair that is not compressed.
  static let plainSegments = [
    "east/__cluster_metadata-0", "east/__consumer_offsets-0", "east/bs-mm2-offsets-0", "east/heartbeats-0",
    "east/mm2-offset-syncs.eu.internal-0", "east/orders.us-0", "east/orders.us-1", "eu/__consumer_offsets-0",
    "eu/bs-mm2-offsets-0", "eu/east.checkpoints.internal-0", "eu/east.heartbeats-0", "eu/east.orders.us-0",
    "eu/east.orders.us-1",
  ]

  /// The records of a segment of the pair, markers left out.
  static func records(_ name: String) throws -> [RecordBatch.Record] {
    try readSegment(bytes("pair/\(name).log")).batches.filter { !$0.isControl }.flatMap(\.records)
  }

  /// The lines of records.txt of one kind: key, value, fields.
  static func records(of kind: String) throws -> [(key: ArraySlice<UInt8>, value: ArraySlice<UInt8>?, fields: [String])]
  {
    try lines("records.txt").map { $0.split(separator: "|", omittingEmptySubsequences: false).map(String.init) }
      .filter { $0[0] == kind }
      .map { (hex($0[1])[...], $0[2] == "null" ? nil : hex($0[2])[...], Array($0[3...])) }
  }

  private static func hex(_ text: String) -> [UInt8] {
    let digits = text.utf8.map { $0 < 58 ? $0 - 48 : $0 - 87 }
    return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
  }
}

func text(_ bytes: ArraySlice<UInt8>?) -> String? { bytes.map { String(decoding: $0, as: UTF8.self) } }
