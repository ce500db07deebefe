import Netlink
import Support
import Testing

@testable import Faults

@Suite struct HeldPacketsTests {
  /// The kernel's side: a list of packets in the order of their numbers (`nfqnl_recv_verdict_batch`).
  private struct KernelQueue {
    var ids: [UInt32] = []

    mutating func apply(_ decisions: [PacketQueue.Decision]) -> [UInt32] {
      var passed: [UInt32] = []
      for decision in decisions {
        switch decision {
        case .one(let id, _), .replace(let id, _):
          if let index = ids.firstIndex(of: id) { passed.append(ids.remove(at: index)) }
        case .all(let last, _):
          while let id = ids.first, !PacketQueue.isAfter(id, last) { passed.append(ids.removeFirst()) }
        }
      }
      return passed
    }
  }

  /// The decision about several must name the highest number and not the one that was taken last, although all are due at
  /// the same moment.
  @Test func oneDecisionReleasesAllThatAreDueTogether() {
    var held = HeldPackets()
    for id in UInt32(1)...5 { held.insert(.init(id: id, due: 100)) }
    held.insert(.init(id: 6, due: 101))
    #expect(held.takeDue(at: 100) == [.all(upTo: 5, .accept)])
    #expect(held.count == 1 && held.nextDue == 101)
    #expect(held.takeDue(at: 100) == [])
  }

  @Test func anOvertakerIsReleasedAloneAndNotWithThoseBeforeIt() {
    var held = HeldPackets()
    held.insert(.init(id: 1, due: 100))
    held.insert(.init(id: 2, due: 50))
    #expect(held.nextDue == 50)
    #expect(held.takeDue(at: 50) == [.one(id: 2, .accept)])
    #expect(held.takeDue(at: 100) == [.all(upTo: 1, .accept)])
  }

  @Test func numbersMayStartAnew() {
    var held = HeldPackets()
    var kernel = KernelQueue()
    for id in [UInt32.max - 1, .max, 0, 1] {
      held.insert(.init(id: id, due: 7))
      kernel.ids.append(id)
    }
    #expect(kernel.apply(held.takeDue(at: 7)) == [.max - 1, .max, 0, 1])
  }

  /// Against a plain model: whatever is due passes, in the order in which it is due, and nothing else.
  @Test(arguments: 0..<12 as Range<UInt64>) func exactlyWhatIsDuePasses(_ seed: UInt64) {
    var random = SeededRandom(seed: seed)
    var held = HeldPackets()
    var kernel = KernelQueue()
    var model: [HeldPackets.Packet] = []
    var id = UInt32.max - 200
    var now: Int64 = 0
    let isOrdered = seed % 2 == 0
    var last: Int64 = 0
    for _ in 0..<400 {
      now += Int64.random(in: 0...20, using: &random)
      for _ in 0..<Int.random(in: 0...40, using: &random) {
        var due = now + Int64.random(in: 0...100, using: &random)
        if isOrdered { due = max(due, last) }
        last = due
        id &+= 1
        model.append(.init(id: id, due: due))
        held.insert(.init(id: id, due: due))
        kernel.ids.append(id)
      }
      #expect(held.nextDue == model.map(\.due).min())
      var taken: [HeldPackets.Packet] = []
      let passed = kernel.apply(held.takeDue(at: now) { taken.append($0) })
      let wanted = model.filter { $0.due <= now }.enumerated().sorted {
        ($0.element.due, $0.offset) < ($1.element.due, $1.offset)
      }.map(\.element)
      #expect(passed == wanted.map(\.id))
      #expect(taken == wanted)
      model.removeAll { $0.due <= now }
      #expect(held.count == model.count)
    }
  }

  @Test func theHistogramIsRightToThreePercent() {
    var histogram = DurationHistogram()
    #expect(histogram.quantile(0.5) == nil && histogram.largest == nil)
    var values: [Int64] = []
    var random = SeededRandom(seed: 1)
    for _ in 0..<10_000 {
      let value = Int64(random.next() >> UInt64.random(in: 1...60, using: &random))
      values.append(value)
      histogram.add(value)
    }
    values.sort()
    for share in [0.01, 0.5, 0.9, 0.99, 1] {
      let exact = values[Int((share * 10_000).rounded(.up)) - 1]
      let found = histogram.quantile(share) ?? -1
      #expect(found >= exact && Double(found) <= Double(exact) * 1.032 + 1, "\(share): \(exact), \(found)")
    }
    #expect(histogram.largest == values.last)
    histogram.add(-5)
    #expect(histogram.count == 10_001)
  }
}
