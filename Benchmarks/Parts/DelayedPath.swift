internal import Faults
internal import Glibc
internal import Netlink
internal import Support

/// A delay line in front of one node, for packets of one protocol.
struct DelayedPath {
  /// The line.
  let line: DelayLine
  private let connection: NFTables.Connection

  static let datagrams: UInt8 = 17
  static let streams: UInt8 = 6

  /// Queues what arrives at `node`.
  init(_ settings: DelayLine.Settings, at node: BenchNode, protocol: UInt8) throws {
    let line = try DelayLine(settings, name: "line", in: node.namespace)
    self.line = line
    connection = try NFTables.Connection(in: node.namespace)
    let table = NFTables.TableID(.inet, "bs_bench_line")
    func batch(_ queue: NFTables.Expression) -> NFTables.Batch {
      .init([
        .addTable(table, flags: .owner), .addChain(table, name: "in", hook: .prerouting, priority: -300),
        .addRule(table, chain: "in", [.loadTransportProtocol, .compare(.equal, [`protocol`]), queue]),
      ])
    }
    // Either form of the rule, whichever the kernel has.
    do { try connection.commit(batch(.queue(line.queueNumber, bypass: true))) } catch {
      try connection.commit(batch(.compatibleQueue(line.queueNumber, bypass: true)))
    }
  }

  /// Ends the line, then its rule.
  func close() {
    line.close()
    connection.close()
  }
}
