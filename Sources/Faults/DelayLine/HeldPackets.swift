internal import Netlink

/// The packets that a line holds, by the moment at which they go on.
///
/// Those that go on in the order in which they came, which is all of them as long as order is kept, stand in a ring, where
/// every step costs the same; the others in a heap.
struct HeldPackets: Sendable {
  struct Packet: Sendable, Hashable {
    var id: UInt32
    /// Nanoseconds on the monotonic clock.
    var due: Int64
  }

  private var ring = Ring()
  private var heap: [Packet] = []

  var count: Int { ring.count + heap.count }

  /// When the next one is due.
  var nextDue: Int64? {
    switch (ring.first, heap.first) {
    case (let first?, let other?): min(first.due, other.due)
    case (let first, let other): (first ?? other)?.due
    }
  }

  mutating func insert(_ packet: Packet) {
    if let last = ring.last, packet.due < last.due {
      heap.append(packet)
      rise(heap.count - 1)
    } else {
      ring.append(packet)
    }
  }

  /// Takes out what is due at `now`, earliest first, and of equals the one that came first.
  ///
  /// - Returns: the decisions that let exactly these packets pass, in order.
  mutating func takeDue(at now: Int64, _ taken: (Packet) -> Void = { _ in }) -> [PacketQueue.Decision] {
    // With nothing in the heap, all that is held before the last one taken is taken too: one decision is enough. It names
    // the highest number, which in the ring is the last.
    if heap.isEmpty {
      var last: UInt32?
      while let packet = ring.first, packet.due <= now {
        ring.removeFirst()
        taken(packet)
        last = packet.id
      }
      return last.map { [.all(upTo: $0, .accept)] } ?? []
    }
    var decisions: [PacketQueue.Decision] = []
    while let packet = takeFirst(at: now) {
      taken(packet)
      decisions.append(.one(id: packet.id, .accept))
    }
    return decisions
  }

  mutating func removeAll() {
    ring = Ring()
    heap = []
  }

  private mutating func takeFirst(at now: Int64) -> Packet? {
    if let other = heap.first, other.due <= now, ring.first.map({ Self.isBefore(other, $0) }) ?? true {
      let last = heap.removeLast()
      if !heap.isEmpty {
        heap[0] = last
        sink(0)
      }
      return other
    }
    guard let packet = ring.first, packet.due <= now else { return nil }
    ring.removeFirst()
    return packet
  }

  private static func isBefore(_ left: Packet, _ right: Packet) -> Bool {
    left.due != right.due ? left.due < right.due : PacketQueue.isAfter(right.id, left.id)
  }

  private mutating func rise(_ start: Int) {
    var child = start
    while child > 0 {
      let parent = (child - 1) / 2
      guard Self.isBefore(heap[child], heap[parent]) else { return }
      heap.swapAt(child, parent)
      child = parent
    }
  }

  private mutating func sink(_ start: Int) {
    var parent = start
    while true {
      var child = 2 * parent + 1
      guard child < heap.count else { return }
      if child + 1 < heap.count, Self.isBefore(heap[child + 1], heap[child]) { child += 1 }
      guard Self.isBefore(heap[child], heap[parent]) else { return }
      heap.swapAt(child, parent)
      parent = child
    }
  }
}

/// A queue in an array that is used round and round.
private struct Ring: Sendable {
  private var slots: [HeldPackets.Packet] = Array(repeating: .init(id: 0, due: 0), count: 1024)
  private var start = 0
  private(set) var count = 0

  // The number of slots is a power of two.
  private var mask: Int { slots.count - 1 }

  var first: HeldPackets.Packet? { count == 0 ? nil : slots[start] }
  var last: HeldPackets.Packet? { count == 0 ? nil : slots[(start + count - 1) & mask] }

  mutating func append(_ packet: HeldPackets.Packet) {
    if count == slots.count {
      slots = Array(slots[start...] + slots[..<start]) + Array(repeating: .init(id: 0, due: 0), count: count)
      start = 0
    }
    slots[(start + count) & mask] = packet
    count += 1
  }

  mutating func removeFirst() {
    start = (start + 1) & mask
    count -= 1
  }
}
