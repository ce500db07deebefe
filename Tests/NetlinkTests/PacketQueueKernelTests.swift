import Glibc
import Testing

@testable import Netlink

@Suite(.serialized, .enabled(if: isRoot, "packet queues need root")) struct PacketQueueKernelTests {
  /// Datagrams to the namespace's own loopback address, over a rule that queues them.
  private final class Loop {
    static let port: UInt16 = 4711
    private let connection: NFTables.Connection
    private let sender: Int32
    private let receiver: Int32

    init(in namespace: NetworkNamespace, queue: UInt16) throws {
      connection = try NFTables.Connection(in: namespace)
      let table = NFTables.TableID(.inet, "bs_test")
      func batch(_ step: NFTables.Expression) -> NFTables.Batch {
        .init([
          .addTable(table, flags: .owner), .addChain(table, name: "c", hook: .prerouting, priority: -300),
          .addRule(table, chain: "c", [.loadTransportProtocol, .compare(.equal, [17]), step]),
        ])
      }
      do { try connection.commit(batch(.queue(queue, bypass: true))) } catch {
        try connection.commit(batch(.compatibleQueue(queue, bypass: true)))
      }
      let kind = Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
      sender = try namespace.run { socket(AF_INET, kind, 0) }
      receiver = try namespace.run { socket(AF_INET, kind, 0) }
      var place = sockaddr_in()
      place.sin_family = sa_family_t(AF_INET)
      place.sin_port = Self.port.bigEndian
      place.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
      let isReady = withUnsafePointer(to: &place) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          let length = socklen_t(MemoryLayout<sockaddr_in>.size)
          return bind(receiver, $0, length) == 0 && connect(sender, $0, length) == 0
        }
      }
      try #require(isReady)
    }

    deinit {
      close(sender)
      close(receiver)
    }

    func send(_ count: Int, bytes: Int = 100) throws {
      let datagram = [UInt8](repeating: 7, count: bytes)
      for _ in 0..<count { try #require(Glibc.send(sender, datagram, bytes, 0) == bytes) }
    }

    /// How many arrived: all that there is, and no more is on its way when a verdict has returned.
    func arrived() -> Int {
      var buffer = [UInt8](repeating: 0, count: 2048)
      var count = 0
      while recv(receiver, &buffer, buffer.count, Int32(MSG_DONTWAIT)) >= 0 { count += 1 }
      return count
    }
  }

  private func receiveAll(_ queue: inout PacketQueue) throws -> [QueuedPacket] {
    var packets: [QueuedPacket] = []
    while try queue.receive({ packets.append($0) }).isFull {}
    return packets
  }

  @Test func packetsWaitForTheirVerdictsAndAreDescribed() throws {
    try withNamespaces { namespaces in
      var queue = try PacketQueue(options: .init(copy: .descriptionAndLength), in: namespaces[0])
      let loop = try Loop(in: namespaces[0], queue: queue.number)
      try loop.send(100)
      let packets = try receiveAll(&queue)
      #expect(packets.map(\.id) == Array(1...100))
      #expect(packets.allSatisfy { $0.etherType == 0x0800 && $0.hook == 0 && $0.lengthBytes == 128 })
      #expect(packets.allSatisfy { $0.inputInterface == 1 && $0.outputInterface == 0 && !$0.isBundle })
      #expect(loop.arrived() == 0)
      try queue.decide([.one(id: 3, .accept)])
      #expect(loop.arrived() == 1)
      try queue.decide([.one(id: 4, .drop), .all(upTo: 50, .accept)])
      #expect(loop.arrived() == 48)
      let list = try PacketQueue.list(in: namespaces[0])
      #expect(list.map(\.number) == [queue.number] && list.first?.held == 50 && list.first?.lastID == 100)
      // What comes after the last number that we know is released too.
      try loop.send(10)
      try queue.releaseAll(lastID: 100)
      #expect(loop.arrived() == 60)
      #expect(try receiveAll(&queue).map(\.id) == Array(101...110))
    }
  }

  @Test func aVerdictOnWhatIsNotThereIsRefusedByItsNumber() throws {
    try withNamespaces { namespaces in
      var queue = try PacketQueue(in: namespaces[0])
      let first = try queue.decide([.one(id: 5, .accept), .all(upTo: 9, .accept)])
      let receipt = try queue.receive { _ in }
      #expect(receipt.refusedDecisions == [first, first + 1])
    }
  }

  @Test func whatDoesNotFitPasses() throws {
    try withNamespaces { namespaces in
      var queue = try PacketQueue(options: .init(maximumLength: 10), in: namespaces[0])
      let loop = try Loop(in: namespaces[0], queue: queue.number)
      try loop.send(15)
      #expect(loop.arrived() == 5)
      try queue.setMaximumLength(0)
      try loop.send(5)
      #expect(loop.arrived() == 5)
      try queue.releaseAll(lastID: 0)
      #expect(loop.arrived() == 10)
    }
  }

  @Test func withoutFailOpenWhatDoesNotFitIsDropped() throws {
    try withNamespaces { namespaces in
      let queue = try PacketQueue(options: .init(maximumLength: 10, flags: .bundles), in: namespaces[0])
      let loop = try Loop(in: namespaces[0], queue: queue.number)
      try loop.send(15)
      #expect(loop.arrived() == 0)
      #expect(try PacketQueue.list(in: namespaces[0]).first?.droppedFull == 5)
      queue.close()
    }
  }

  /// Descriptions that do not fit our socket leave a gap in the numbers, and their packets pass.
  @Test func anOverrunIsAGapInTheNumbersAndNoError() throws {
    try withNamespaces { namespaces in
      var queue = try PacketQueue(options: .init(receiveBufferBytes: 8192), in: namespaces[0])
      let loop = try Loop(in: namespaces[0], queue: queue.number)
      try loop.send(100)
      let passed = loop.arrived()
      let first = try receiveAll(&queue)
      #expect(passed > 0 && first.count == 100 - passed)
      try loop.send(1)
      #expect(try receiveAll(&queue).map(\.id) == [101])
    }
  }

  @Test func numbersAreChosenFreelyAndTakenOnesRefused() throws {
    try withNamespaces { namespaces in
      let one = try PacketQueue(in: namespaces[0])
      let two = try PacketQueue(in: namespaces[0])
      #expect(one.number == PacketQueue.firstNumber && two.number == PacketQueue.firstNumber + 1)
      let number = one.number
      let failure = #expect(throws: NetlinkError.self) {
        let three = try PacketQueue(number: number, in: namespaces[0])
        three.close()
      }
      #expect(failure?.object == .queue(number) && failure?.namespace == namespaces[0].name)
      one.close()
      let again = try PacketQueue(number: number, in: namespaces[0])
      #expect(again.number == number)
      two.close()
    }
  }

  @Test func closingDropsWhatIsHeldAndLetsTheRestPass() throws {
    try withNamespaces { namespaces in
      let queue = try PacketQueue(in: namespaces[0])
      let loop = try Loop(in: namespaces[0], queue: queue.number)
      try loop.send(5)
      queue.close()
      try loop.send(3)
      #expect(loop.arrived() == 3)
    }
  }

  @Test func unbindingEndsTheQueueButNotTheSocket() throws {
    try withNamespaces { namespaces in
      var queue = try PacketQueue(in: namespaces[0])
      try queue.unbind()
      #expect(try PacketQueue.list(in: namespaces[0]).isEmpty)
      #expect(try queue.receive { _ in } == PacketQueue.Receipt())
    }
  }
}
