import Faults
import Glibc
import Netlink
import Synchronization
import Testing

/// Two namespaces on one wire, `a` and `b`, both families, with names of their own; removed whatever happens.
struct Wire {
  let a: NetworkNamespace
  let b: NetworkNamespace
  let addressesA: [IPAddress]
  let addressesB: [IPAddress]

  static func with<R>(_ body: (Wire) async throws -> R) async throws -> R {
    let tag = "bst-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
    func clean() {
      for end in ["a", "b"] { try? NetworkNamespace.delete(named: "\(tag)-\(end)") }
    }
    do {
      let result = try await withTaskExecutorPreference(BlockingExecutor()) {
        let wire = try Wire(tag)
        try await wire.untilRunning()
        return try await body(wire)
      }
      clean()
      return result
    } catch {
      clean()
      throw error
    }
  }

  private init(_ tag: String) throws {
    a = try NetworkNamespace.create(named: "\(tag)-a")
    b = try NetworkNamespace.create(named: "\(tag)-b")
    let linksA = try LinkController(in: a)
    let linksB = try LinkController(in: b)
    // The kernel tells at once that a pair of links is up if their numbers differ, and takes up to a second if they are
    // equal (`linkwatch_urgent_event`), as those of the first links of two namespaces are.
    try linksA.createBridge("number")
    try linksA.deleteLink("number")
    try linksA.createVeth("wire", peer: "wire", in: b)
    for (links, number) in [(linksA, 1), (linksB, 2)] {
      try links.addAddress(#require(IPPrefix("10.77.0.\(number)/24")), to: "wire")
      try links.addAddress(#require(IPPrefix("fd77::\(number)/64")), to: "wire")
      try links.setUp("wire")
    }
    addressesA = [.v4(0x0A4D_0001), .v6(0xFD77_0000_0000_0000, 1)]
    addressesB = [.v4(0x0A4D_0002), .v6(0xFD77_0000_0000_0000, 2)]
  }

  /// The kernel lets packets out of a new link a moment after it was switched on, and a busy machine takes its time.
  private func untilRunning() async throws {
    let ends = try [LinkController(in: a), LinkController(in: b)]
    let deadline = ContinuousClock.now + .seconds(10)
    while try ends.contains(where: { try !$0.links().allSatisfy { $0.isRunning } }) {
      try #require(ContinuousClock.now < deadline, "the wire does not come up")
      try await Task.sleep(for: .milliseconds(2))  // the kernel sends no event to this socket
    }
  }

  func probe() throws -> ReachabilityProbe {
    try ReachabilityProbe([
      .init("a", namespace: a, addresses: addressesA), .init("b", namespace: b, addresses: addressesB),
    ])
  }

  /// A fault on `b` that drops what comes from `a`.
  func deaf(
    _ id: String = "cut", lease: Duration = .seconds(30), heartbeat: Duration = .milliseconds(500),
    extraPeers: [IPAddress] = []
  ) -> Fault {
    Fault(
      id: id, run: "test", node: "b", inbound: .drop, targets: .init(peers: addressesA + extraPeers),
      timing: .init(lease: lease, heartbeat: heartbeat))
  }
}

/// Events as they come, for looking at afterwards.
final class EventLog: Sendable {
  private let events = Mutex<[FaultEvent]>([])

  func add(_ event: FaultEvent) { events.withLock { $0.append(event) } }
  var all: [FaultEvent] { events.withLock { $0 } }

  var outcomes: [FaultOutcome] {
    all.compactMap { event in
      if case .ended(let outcome) = event.kind { outcome } else { nil }
    }
  }
}

let isRoot = geteuid() == 0

/// Expects an empty list, and prints it if it is not.
func expectNothing(_ lines: [String], sourceLocation: SourceLocation = #_sourceLocation) {
  #expect(lines == [], sourceLocation: sourceLocation)
}
