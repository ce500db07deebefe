/// Follows the responses in a broker's bytes: where each begins and ends, and which request it answers. A value without I/O.
struct ResponseScanner: Sendable {
  /// A response whose size cannot be.
  struct Malformed: Error, Equatable {
    var size: Int
  }

  private var head: [UInt8] = []
  /// How many bytes of the current response are still to come after its first eight.
  private(set) var passing = 0

  /// Whether the last response is complete.
  var isBetween: Bool { passing == 0 && head.isEmpty }

  /// Goes through bytes that are passed on as they are.
  ///
  /// - Returns: the correlation ids of the responses that begin in them.
  mutating func scan(_ bytes: ArraySlice<UInt8>) throws(Malformed) -> [Int32] {
    var begun: [Int32] = []
    var rest = bytes
    while !rest.isEmpty {
      if passing > 0 {
        let count = min(passing, rest.count)
        passing -= count
        rest = rest.dropFirst(count)
        continue
      }
      let count = min(8 - head.count, rest.count)
      head += rest.prefix(count)
      rest = rest.dropFirst(count)
      guard head.count == 8 else { break }
      let size = Int(Self.number(head[0..<4]))
      guard size >= 4 else { throw Malformed(size: size) }
      begun.append(Self.number(head[4..<8]))
      passing = size - 4
      head.removeAll(keepingCapacity: true)
    }
    return begun
  }

  /// Notes that bytes of the current response were passed on without coming through here.
  mutating func passed(_ count: Int) {
    precondition(count <= passing, "\(count) bytes passed of \(passing)")
    passing -= count
  }

  private static func number(_ bytes: ArraySlice<UInt8>) -> Int32 {
    Int32(bitPattern: bytes.reduce(0) { $0 << 8 | UInt32($1) })
  }
}

/// The requests that were sent on and wait for their answers, in order.
struct ExpectedAnswers: Sendable {
  private var ids: [Int32] = []
  private var first = 0

  /// How many wait.
  var count: Int { ids.count - first }

  mutating func add(_ more: [Int32]) { ids += more }

  /// Takes an answer in. One that answers a later request also settles those before it: Kafka answers in order.
  ///
  /// - Returns: whether it was expected at all.
  mutating func settle(_ id: Int32) -> Bool {
    guard let place = ids[first...].firstIndex(of: id) else { return false }
    first = place + 1
    if first == ids.count {
      ids.removeAll(keepingCapacity: ids.count <= 1024)
      first = 0
    } else if first > 4096 {
      ids.removeFirst(first)
      first = 0
    }
    return true
  }
}
