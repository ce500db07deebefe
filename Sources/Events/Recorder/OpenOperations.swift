/// The operations that have begun and not ended, each in a slot of its own: beginning and ending one takes no search.
struct OpenOperations {
  private var slots: [Operation] = []
  /// How often each slot was given back; a ticket of an earlier use does not fit any more.
  private var uses: [UInt32] = []
  private var isOpen: [Bool] = []
  private var free: [UInt32] = []
  /// Operations that are open now.
  private(set) var count = 0

  /// Keeps `operation`, begun at `time`.
  ///
  /// - Returns: its ticket, never 0.
  mutating func begin(_ operation: Operation, at time: Int64) -> UInt64 {
    count += 1
    let slot: Int
    if let free = free.popLast() {
      slot = Int(free)
      slots[slot] = operation
      isOpen[slot] = true
    } else {
      slot = slots.count
      slots.append(operation)
      uses.append(0)
      isOpen.append(true)
    }
    slots[slot].invoked = time
    slots[slot].completed = nil
    slots[slot].outcome = .unknown(.neverCompleted)
    return UInt64(uses[slot]) << 32 | UInt64(slot + 1)
  }

  /// The slot of an open operation; `nil` when `ticket` is not open.
  private func slot(of ticket: UInt64) -> Int? {
    let slot = Int(ticket & 0xFFFF_FFFF) - 1
    guard slots.indices.contains(slot), isOpen[slot], uses[slot] == UInt32(ticket >> 32) else { return nil }
    return slot
  }

  /// Ends the operation of `ticket`; `nil` when it is not open.
  mutating func end(_ ticket: UInt64) -> Operation? {
    guard let slot = slot(of: ticket) else { return nil }
    isOpen[slot] = false
    uses[slot] &+= 1
    free.append(UInt32(slot))
    count -= 1
    return slots[slot]
  }

  /// Ends all of them, the first begun first.
  mutating func endAll() -> [Operation] {
    let left = slots.indices.filter { isOpen[$0] }.map { slots[$0] }.sorted { $0.invoked < $1.invoked }
    self = OpenOperations()
    return left
  }
}
