import Glibc
import Netlink
import Support
import Synchronization
import Testing

@testable import Faults

/// Datagrams from one end of a wire to the other, numbered.
struct Traffic {
  let sender: DatagramSocket
  let receiver: DatagramSocket

  /// From the first address to the second; ports are the kernel's choice.
  init(
    from a: IPAddress, in namespaceA: NetworkNamespace, to b: IPAddress, in namespaceB: NetworkNamespace
  ) throws {
    sender = try DatagramSocket(a, in: namespaceA)
    receiver = try DatagramSocket(b, in: namespaceB)
    // So that no datagram waits for the address of its neighbour later.
    for _ in 0..<200 {
      _ = sender.send([0xFF], to: receiver)
      if receiver.receive() != nil { break }
      usleep(5000)
    }
    while receiver.receive() != nil {}
  }

  /// Sends `count` numbered datagrams, draining the other end on the way.
  ///
  /// - Returns: the numbers that arrived, in the order of arrival.
  func send(_ count: Int, patienceMilliseconds: Int32 = 60) -> [UInt32] {
    var arrived: [UInt32] = []
    for number in 0..<UInt32(count) {
      let refusal = sender.send(Self.datagram(number), to: receiver)
      if let refusal { Issue.record("sendto is refused with errno \(refusal)") }
      while let bytes = receiver.receive() { arrived.append(Self.number(bytes)) }
    }
    let deadline = Timebase.system.monotonic() + Int64(patienceMilliseconds) * 1_000_000
    while arrived.count < count, Timebase.system.monotonic() < deadline {
      DatagramSocket.wait(for: [receiver], milliseconds: 5)
      while let bytes = receiver.receive() { arrived.append(Self.number(bytes)) }
    }
    return arrived
  }

  /// Sends one datagram. Returns how long it took to the other end; `nil` if it did not arrive in time.
  func oneWayNanoseconds(patienceMilliseconds: Int32 = 1000) -> Int64? {
    let start = Timebase.system.monotonic()
    guard sender.send(Self.datagram(7), to: receiver) == nil else { return nil }
    let deadline = start + Int64(patienceMilliseconds) * 1_000_000
    while Timebase.system.monotonic() < deadline {
      DatagramSocket.wait(for: [receiver], milliseconds: 5)
      if receiver.receive() != nil { return Timebase.system.monotonic() - start }
    }
    return nil
  }

  /// Whether any of three datagrams arrives.
  func passes() -> Bool { !send(3).isEmpty }

  private static func datagram(_ number: UInt32) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: number >> (24 - 8 * $0)) }
  }

  private static func number(_ bytes: [UInt8]) -> UInt32 { bytes.prefix(4).reduce(0) { $0 << 8 | UInt32($1) } }
}

/// Keeps promises in memory and checks that they are kept: nothing may be made that was not promised.
final class PromiseLog: UndoKeeper {
  struct Entry: Sendable {
    var record: UndoRecord
    var isMade = false
    var isSettled = false
    var until: Int64
  }

  private let entries = Mutex<[UndoTicket: Entry]>([:])
  private let refusal: UndoError?

  /// - Parameter refusal: what every promise is answered with.
  init(refusing refusal: UndoError? = nil) {
    self.refusal = refusal
  }

  func promise(
    _ record: UndoRecord, in namespace: NetworkNamespace?, until: Int64
  ) throws(UndoError) -> UndoTicket {
    if let refusal { throw refusal }
    return entries.withLock { entries in
      let ticket = UndoTicket(number: UInt64(entries.count))
      entries[ticket] = Entry(record: record, until: until)
      return ticket
    }
  }

  func made(_ ticket: UndoTicket) { entries.withLock { $0[ticket]?.isMade = true } }
  func prolong(_ ticket: UndoTicket, until: Int64) { entries.withLock { $0[ticket]?.until = until } }
  func settled(_ ticket: UndoTicket) { entries.withLock { $0[ticket]?.isSettled = true } }

  var all: [Entry] { entries.withLock { $0.sorted { $0.key.number < $1.key.number }.map(\.value) } }
}

/// What this machine's kernel can do.
let kernel: KernelFeatures = {
  // Without the right to ask, no test that needs a feature runs; the reason is printed with it.
  guard isRoot, let found = try? KernelFeatures.probe() else { return KernelFeatures(answers: [:]) }
  return found
}()

extension Wire {
  /// A fault on `b` towards `a`.
  func fault(
    _ id: String = "f", inbound: Fault.Effect? = nil, outbound: Fault.Effect? = nil, targets: Fault.Targets? = nil,
    timing: Fault.Timing = .init(lease: .seconds(60)), seed: UInt64 = 42, repeatsExactly: Bool = false
  ) -> Fault {
    Fault(
      id: id, run: "wire", node: "b", inbound: inbound, outbound: outbound,
      targets: targets ?? .init(peers: addressesA), timing: timing, seed: seed, repeatsExactly: repeatsExactly)
  }

  /// From `a` to `b`.
  func inward(_ family: IPAddress.Family = .v4) throws -> Traffic {
    let index = family == .v4 ? 0 : 1
    return try Traffic(from: addressesA[index], in: a, to: addressesB[index], in: b)
  }

  /// From `b` to `a`.
  func outward(_ family: IPAddress.Family = .v4) throws -> Traffic {
    let index = family == .v4 ? 0 : 1
    return try Traffic(from: addressesB[index], in: b, to: addressesA[index], in: a)
  }

  /// Holds one fault on `b` while `body` runs, and expects that everything is as before afterwards.
  func holding<R>(
    _ fault: Fault, undo: PromiseLog = PromiseLog(), report: @escaping @Sendable (FaultEvent) -> Void = { _ in },
    sourceLocation: Testing.SourceLocation = #_sourceLocation, _ body: (FaultHolder) async throws -> R
  ) async throws -> R {
    let holder = try FaultHolder(node: "b", namespace: b, undo: undo, features: kernel, report: report)
    let before = try await holder.snapshot()
    let result: R
    do {
      _ = try await holder.arm(fault)
      result = try await body(holder)
      _ = try await holder.disarm(fault.id)
    } catch {
      await holder.close()
      throw error
    }
    expectNothing(try await holder.snapshot().difference(from: before), sourceLocation: sourceLocation)
    #expect(undo.all.allSatisfy { $0.isMade && $0.isSettled }, sourceLocation: sourceLocation)
    await holder.close()
    return result
  }
}
