import Glibc
import Netlink
import Testing

/// The examples of docs/netlink.md, run. The last test holds the page to them.
@Suite(.enabled(if: isRoot, "needs root for namespaces")) struct DocumentationExamplesTests {
  @Test func aCutThatCannotOutliveItsProcess() throws {
    try withNamespaces { made in
      let namespace = made[0]
      let peers = [IPAddress.v4(0x0A00_0001)]
      // example
      let filter = try NFTables.Connection(in: namespace)
      let table = NFTables.TableID(.inet, "cut")
      try filter.commit(
        NFTables.Batch([
          .addTable(table, flags: .owner),
          .addChain(table, name: "in", hook: .prerouting, priority: -300),
          .addSet(table, .init("peers", id: 1, key: .address(.v4), flags: .timeout, size: 16)),
          .addElements(table, set: "peers", id: 1, .init(peers, timeoutMilliseconds: 5000)),
          .addRule(
            table, chain: "in",
            [
              .load(.protocolFamily), .compare(.equal, [NFTables.ProtocolFamily.ipv4.rawValue]),
              .loadNetworkHeader(offset: 12, length: 4), .isInSet("peers", id: 1), .counter, .verdict(.drop),
            ]),
        ]))
      let dropped = try filter.rules(of: table).first?.counts.first?.packets
      filter.close()  // the cut is over
      // end
      #expect(dropped == 0)
      #expect(try NFTables.Connection(in: namespace).tables().isEmpty)
    }
  }

  @Test func aWireBetweenTwoNamespaces() throws {
    try withNamespaces(2) { made in
      let (east, west) = (made[0], made[1])
      // example
      let links = try LinkController(in: east)
      try links.createVeth("wire", peer: "wire", in: west)
      try links.setUp("wire")
      let traffic = try TrafficController(in: east)
      if let wire = try links.link(named: "wire") {
        let bucket = TokenBucket(bytesPerSecond: 1_250_000, burstBytes: 15_000, queueBytes: 60_000)
        try traffic.add(.tokenBucket(bucket), to: wire, handle: TrafficHandle(major: 1))
        for discipline in try traffic.disciplines(of: wire) {
          print(discipline.canonicalLine, discipline.statistics.drops)
        }
      }
      // end
      #expect(try links.link(named: "wire")?.queueingDiscipline == "tbf")
    }
  }

  @Test func whatThisKernelCanDo() throws {
    // example
    let features = try KernelFeatures.probe()
    for feature in KernelFeatures.Feature.allCases where !features.has(feature) {
      print("no \(feature.requirement): \(features.answers[feature]?.description ?? "not asked")")
    }
    // end
    #expect(features.answers.count == KernelFeatures.Feature.allCases.count)
  }

  @Test func thePageHasTheseExamplesAndNoOthers() throws {
    let here = try text(of: #filePath).split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    var page = #filePath.split(separator: "/").map(String.init)
    page.removeLast(3)
    let lines = try text(of: "/\(page.joined(separator: "/"))/docs/netlink.md").split(
      separator: "\n", omittingEmptySubsequences: false
    ).map(String.init)
    // The first block of the page is for Package.swift.
    let shown = blocks(of: lines, from: "```swift", to: "```").dropFirst()
    let run = blocks(of: here, from: "// example", to: "// end")
    #expect(shown.count == 3)
    #expect(Array(shown) == run)
  }

  /// The lines between two marks, as far to the left as they go.
  private func blocks(of lines: [String], from start: String, to end: String) -> [[String]] {
    var blocks: [[String]] = []
    var open: [String]?
    for line in lines {
      let bare = String(line.drop { $0 == " " })
      if bare == start {
        open = []
      } else if bare == end, let lines = open {
        let indent = lines.filter { !$0.isEmpty }.map { $0.prefix { $0 == " " }.count }.min() ?? 0
        blocks.append(lines.map { String($0.dropFirst(indent)) })
        open = nil
      } else {
        open?.append(line)
      }
    }
    return blocks
  }

  private func text(of path: String) throws -> String {
    try output(of: "cat '\(path)'")
  }
}
