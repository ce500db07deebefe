internal import CKernel
internal import Glibc
internal import Netlink
internal import Support
internal import Synchronization

/// What lives on a line's thread: the queue, the timer, the packets that are held.
///
/// It is unchecked because all of it but `shared` is touched by that thread alone, from `init` to its last job.
final class LineEngine: @unchecked Sendable {
  let queueNumber: UInt16
  private let timebase: Timebase
  private let bell: Int32
  private let capacity: Int
  private let poller: Int32
  private var queue: PacketQueue?
  private var timer: DueTimer?
  private var schedule: DelaySchedule
  private var desk: AnswerDesk?
  private var held = HeldPackets()
  /// Other contents for packets that are held, by their numbers.
  private var replacements: [UInt32: [UInt8]] = [:]
  private var drops: [PacketQueue.Decision] = []
  private var sendings: [Sending] = []
  private var lastID: UInt32 = 0
  private var tally = DelayLine.Counters()
  private let shared = Mutex(Shared())

  private struct Shared: Sendable {
    var counters = DelayLine.Counters()
    var errors = DurationHistogram()
  }

  /// Decisions whose refusal may still lie in the socket: numbers from `first`, drops before changes before releases. A
  /// single release can be about many packets.
  private struct Sending {
    var first: UInt32
    var drops: Int
    var changes = 0
    var releases: Int
    /// Those of the releases.
    var packets: Int

    /// How many packets were not released after all, if this decision was refused; `nil` if it is none of these.
    func packets(refused number: UInt32) -> Int? {
      let index = Int(number &- first)
      guard index < drops + changes + releases else { return nil }
      if index < drops { return 0 }
      if index < drops + changes { return 1 }
      return releases == 1 ? packets : 1
    }
  }

  private enum Tag {
    static let bell: UInt32 = 1
    static let timer: UInt32 = 2
    static let queue: UInt32 = 4
  }

  /// Packets beyond the line's own capacity that the kernel's queue takes before it lets them pass: those on their way.
  private static let margin: UInt32 = 4096
  private static let idleMilliseconds: Int32 = 250

  init(_ settings: DelayLine.Settings, bell: Int32, timebase: Timebase) throws {
    self.timebase = timebase
    self.bell = bell
    capacity = Int(settings.capacity)
    schedule = DelaySchedule(settings)
    let queue = try PacketQueue(options: Self.options(settings))
    desk = settings.answers.map { AnswerDesk($0, begun: timebase.monotonic()) }
    if desk != nil { tally.answers = .init() }
    queueNumber = queue.number
    let timer = try DueTimer()
    poller = bs_poller()
    guard poller >= 0 else { throw SystemError("epoll_create1") }
    for (descriptor, tag) in [
      (bell, Tag.bell), (timer.fileDescriptor, Tag.timer), (queue.fileDescriptor, Tag.queue),
    ] {
      guard bs_poller_add(poller, descriptor, tag) == 0 else {
        let failure = SystemError("epoll_ctl")
        Glibc.close(poller)
        throw failure
      }
    }
    self.queue = consume queue
    self.timer = consume timer
    Self.hurry()
  }

  private static func options(_ settings: DelayLine.Settings) -> PacketQueue.Options {
    let length = settings.capacity + margin
    // An answer is a packet and no bundle; longer ones than this are not in use.
    if settings.answers != nil { return .init(copy: .payload(16_384), maximumLength: length, flags: .failOpen) }
    return .init(
      copy: (settings.delay?.slots?.bytes ?? 0) > 0 ? .descriptionAndLength : .description, maximumLength: length)
  }

  /// Puts the calling thread before all ordinary ones, so that delays stay exact on a busy node; without the right to do
  /// so it stays what it is. It never works longer than packets come, which others must run to send.
  private static func hurry() {
    var priority = sched_param()
    priority.sched_priority = 1
    sched_setscheduler(0, SCHED_RR, &priority)  // on Linux this concerns the thread alone
  }

  var counters: DelayLine.Counters {
    shared.withLock { shared in
      var counters = shared.counters
      counters.medianErrorNanoseconds = shared.errors.quantile(0.5)
      counters.highErrorNanoseconds = shared.errors.quantile(0.99)
      counters.largestErrorNanoseconds = shared.errors.largest
      return counters
    }
  }

  // MARK: On the line's thread

  /// Works until the bell rings, or for a while without any packet. Returns when it wants to be called again: at once.
  func work() -> Int64? {
    while queue != nil {
      var tags: UInt32 = 0
      guard bs_poller_wait(poller, Self.idleMilliseconds, &tags) >= 0 else {
        giveUp("epoll_wait: \(SystemError("epoll_wait"))")
        return nil
      }
      advance(timerHasFired: tags & Tag.timer != 0)
      if tags & Tag.bell != 0 {
        var count: UInt64 = 0
        _ = read(bell, &count, 8)
        return 0
      }
      if tags == 0 { return 0 }
    }
    return nil
  }

  /// Lets pass all that is held.
  func releaseHeld() {
    guard queue != nil else { return }
    do {
      try receive()
      try decide()
      try releaseAll()
      try timer?.set(nil, hasFired: true)
    } catch { giveUp("\(error)") }
    publish()
  }

  /// Lets pass all that is held and all that still comes, and ends the queue.
  func close() {
    guard queue != nil else { return }
    do {
      // From here on what comes does not fit and so passes: nothing is left behind when the queue goes.
      try queue?.setMaximumLength(0)
      try receive()
      try decide()
      try releaseAll()
      try queue?.unbind()
    } catch { tally.failure = tally.failure ?? "\(error)" }
    // Here and not in `deinit`, which runs on any thread, where these numbers are the descriptors of somebody else.
    queue = nil
    timer = nil
    Glibc.close(poller)
    publish()
  }

  private func advance(timerHasFired: Bool) {
    do {
      try receive()
      try decide()
      try timer?.set(held.nextDue, hasFired: timerHasFired)
    } catch { giveUp("\(error)") }
    publish()
  }

  /// Takes what has come, but not for ever: what is due must go.
  private func receive() throws {
    for _ in 0..<4 {
      var now: Int64?
      let receipt = try queue?.receive { packet in
        let arrival = now ?? timebase.monotonic()
        now = arrival
        admit(packet, at: arrival)
      }
      guard let receipt else { return }
      for number in receipt.refusedDecisions {
        let packets = sendings.lazy.compactMap { $0.packets(refused: number) }.first ?? 0
        tally.flushed += UInt64(packets)
        tally.released -= UInt64(packets)
      }
      if !receipt.isFull {
        // A refusal lies in the socket before the sending returns, so nothing is left to come.
        sendings.removeAll(keepingCapacity: true)
        return
      }
    }
  }

  private func admit(_ packet: QueuedPacket, at arrival: Int64) {
    tally.arrived += 1
    tally.missed += UInt64(packet.id &- lastID &- 1)
    lastID = packet.id
    switch fate(of: packet, at: arrival) {
    case .drop:
      tally.lost += 1
      drops.append(.one(id: packet.id, .drop))
    case .release where held.count >= capacity:
      tally.overflowed += 1
      replacements[packet.id] = nil
      drops.append(.one(id: packet.id, .drop))
    case .release(let due):
      held.insert(.init(id: packet.id, due: due))
      tally.mostHeld = max(tally.mostHeld, UInt64(held.count))
    }
  }

  private func fate(of packet: QueuedPacket, at arrival: Int64) -> DelaySchedule.Fate {
    guard let desk, var answers = tally.answers else {
      return schedule.fate(ofArrivalAt: arrival, lengthBytes: packet.lengthBytes ?? 0)
    }
    defer { tally.answers = answers }
    switch desk.treat(packet.payload, isWhole: packet.isWhole, at: arrival) {
    case .pass: answers.passed += 1
    case .unreadable: answers.unreadable += 1
    case .drop:
      answers.silenced += 1
      return .drop
    case .change(let nanoseconds, let bytes):
      answers.changed += 1
      replacements[packet.id] = bytes
      return .release(at: arrival + nanoseconds)
    }
    return .release(at: arrival)
  }

  /// Decisions that give packets other contents. They come before those about all packets up to a number.
  private func changes(_ ids: some Sequence<UInt32>) -> [PacketQueue.Decision] {
    if replacements.isEmpty { return [] }
    return ids.compactMap { id in
      replacements.removeValue(forKey: id).map { .replace(id: id, payload: $0) }
    }
  }

  /// Sends the decisions that are due.
  private func decide() throws {
    let now = timebase.monotonic()
    var dues: [Int64] = []
    var ids: [UInt32] = []
    // Drops first: a decision about all up to a number would let them pass.
    var releases = held.takeDue(at: now) {
      dues.append($0.due)
      if !replacements.isEmpty { ids.append($0.id) }
    }
    let changes = changes(ids)
    if !changes.isEmpty {
      // One by one: the kernel refuses a decision about all up to a number when none of them is left.
      let changed = Set(changes.compactMap(\.id))
      releases = ids.filter { !changed.contains($0) }.map { .one(id: $0, .accept) }
    }
    guard !(drops.isEmpty && dues.isEmpty), let first = try queue?.decide(drops + changes + releases) else { return }
    sendings.append(
      Sending(
        first: first, drops: drops.count, changes: changes.count, releases: releases.count,
        packets: dues.count - changes.count))
    drops.removeAll(keepingCapacity: true)
    tally.released += UInt64(dues.count)
    let done = timebase.monotonic()
    shared.withLock { shared in
      for due in dues { shared.errors.add(done - due) }
    }
  }

  private func releaseAll() throws {
    let changes = changes(replacements.keys.sorted { PacketQueue.isAfter($1, $0) })
    if !changes.isEmpty, let first = try queue?.decide(changes) {
      sendings.append(Sending(first: first, drops: 0, changes: changes.count, releases: 0, packets: 0))
    }
    guard let first = try queue?.releaseAll(lastID: lastID) else { return }
    sendings.append(Sending(first: first, drops: 0, releases: 1, packets: held.count - changes.count))
    tally.released += UInt64(held.count)
    held.removeAll()
    try receive()
  }

  /// After a failure nothing may be held for ever: everything passes.
  private func giveUp(_ reason: String) {
    tally.failure = tally.failure ?? reason
    close()
  }

  private func publish() {
    tally.held = UInt64(held.count)
    shared.withLock { $0.counters = tally }
  }
}
