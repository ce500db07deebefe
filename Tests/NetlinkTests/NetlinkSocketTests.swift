import Glibc
import Testing

@testable import Netlink

@Suite(.enabled(if: isRoot, "needs root for namespaces")) struct NetlinkSocketTests {
  private func link(_ writer: inout MessageWriter, sequence: UInt32, index: Int32) throws(WireError) {
    // RTM_GETLINK with an acknowledgement
    try writer.message(type: 18, flags: 5, sequence: sequence) { writer in
      writer.host(UInt32(0))
      writer.host(index)
      writer.raw([UInt8](repeating: 0, count: 8))
    }
  }

  private let label = NetlinkSocket.Label(call: "RTM_GETLINK", object: .dump("links"))

  /// One link answers with some 1.5 kB, and the buffer holds a few of them. The kernel then drops everything until the
  /// queue is empty, so a socket that goes on without emptying it hears nothing more.
  @Test func anOverrunIsReportedAndTheSocketIsGoodForTheNextRequest() throws {
    try withNamespaces { made in
      let socket = try NetlinkSocket(.route, in: made[0], bufferBytes: 16_384, limit: .seconds(2))
      // One message asks for its answer and does not get to its acknowledgement.
      let count = 200
      let failure = #expect(throws: NetlinkError.self) {
        try socket.transaction([label]) { (writer, first) throws(WireError) in
          for _ in 0..<count { try link(&writer, sequence: first &+ 1000, index: 1) }
        }
      }
      #expect(failure?.reason == .overrun)
      #expect(failure?.description.contains("whether it was applied is not known") == true)
      let links = try socket.dump(label) { (writer, sequence) throws(WireError) in
        try writer.message(type: 18, flags: 0x301, sequence: sequence) { $0.raw([UInt8](repeating: 0, count: 16)) }
      }
      #expect(links.count == 1)
    }
  }

  /// Of a batch with one refusal nothing was applied, even if most of the refusals got lost.
  @Test func aRefusedBatchIsReportedAsRefusedEvenIfAnswersAreLost() throws {
    try withNamespaces { made in
      let socket = try NetlinkSocket(.netfilter, in: made[0], bufferBytes: 32_768, limit: .seconds(2))
      let table = NFTables.TableID(.inet, "nowhere")
      let messages = (0..<300).map { _ in NFTables.BatchMessage(.deleteTable(table)) }
      let failures = try socket.exchange(NFTables.Batch.labels(messages)) { (writer, first) throws(WireError) in
        try NFTables.Batch.write(messages, to: &writer, firstSequence: first)
      }
      #expect(failures.first?.errno == ENOENT)
      #expect(failures.count < 300)
      #expect(failures.first?.object == .table("nowhere"))
    }
  }

  /// A list in several pieces, while links come and go: each listing has those that stay, each once, or is refused as
  /// unstable. The kernel marks a list that changed between two pieces (NLM_F_DUMP_INTR).
  @Test func aListThatChangesMeanwhileIsReadAgain() async throws {
    let name = uniqueName()
    let made = try NetworkNamespace.create(named: name)
    defer { try? NetworkNamespace.delete(named: name) }
    let links = try LinkController(in: made)
    let staying = Set((0..<60).map { "stay\($0)" })
    for name in staying { try links.createBridge(name) }
    let (churned, seen) = try await withThrowingTaskGroup(of: (Int, Int).self) { group in
      group.addTask {
        let other = try LinkController(in: made)
        var changes = 0
        for _ in 0..<60 {
          try other.createBridge("comes")
          try other.deleteLink("comes")
          changes += 2
        }
        return (changes, 0)
      }
      group.addTask {
        var seen = 0
        for _ in 0..<60 {
          do throws(NetlinkError) {
            let names = try links.links().map(\.name).filter { $0 != "comes" && $0 != "lo" }
            #expect(names.count == staying.count && Set(names) == staying)
            seen += 1
          } catch {
            guard case .unstable = error.reason else { throw error }
          }
        }
        return (0, seen)
      }
      return try await group.reduce(into: (0, 0)) { $0 = ($0.0 + $1.0, $0.1 + $1.1) }
    }
    #expect(churned == 120 && seen > 0)
  }

  /// A request that does not fit the socket's buffer never leaves.
  @Test func aRequestThatIsTooLongIsRefusedAtOnce() throws {
    try withNamespaces { made in
      let socket = try NetlinkSocket(.route, in: made[0], bufferBytes: 4096)
      let failure = #expect(throws: NetlinkError.self) {
        try socket.request(label) { (writer, sequence) throws(WireError) in
          try writer.message(type: 18, flags: 5, sequence: sequence) { $0.raw([UInt8](repeating: 0, count: 60_000)) }
        }
      }
      #expect(failure?.errno == EMSGSIZE)
    }
  }

  /// Somebody else, even root, can send to our socket; it is no answer of the kernel.
  @Test func messagesOfAnotherProcessAreNotTakenForAnswers() throws {
    try withNamespaces { made in
      let socket = try NetlinkSocket(.route, in: made[0], limit: .milliseconds(300))
      let port = socket.port
      try made[0].run {
        let fd = Glibc.socket(AF_NETLINK, Int32(SOCK_RAW.rawValue), 0)
        defer { Glibc.close(fd) }
        // An acknowledgement with success for every sequence number that may come next.
        var writer = MessageWriter()
        for sequence in UInt32(0)..<8 {
          try writer.message(type: 2, flags: 0x100, sequence: sequence) { $0.raw([UInt8](repeating: 0, count: 20)) }
        }
        var bytes = writer.finish()
        // sockaddr_nl: family, padding, port, groups
        var address = [UInt8](repeating: 0, count: 12)
        address[0] = UInt8(AF_NETLINK)
        for index in 0..<4 { address[4 + index] = UInt8(truncatingIfNeeded: port >> UInt32(8 * index)) }
        let sent = address.withUnsafeMutableBytes { raw in
          raw.withMemoryRebound(to: sockaddr.self) { sendto(fd, &bytes, bytes.count, 0, $0.baseAddress, 12) }
        }
        #expect(sent == bytes.count)
      }
      let failure = #expect(throws: NetlinkError.self) {
        try socket.request(label) { (writer, sequence) throws(WireError) in
          try link(&writer, sequence: sequence, index: 4711)
        }
      }
      #expect(failure?.errno == ENODEV)
    }
  }
}
