internal import Faults
internal import Glibc
internal import Netlink
internal import Support

/// Whether as much is lost as was asked for, and, where asked, the same packets again.
let lossMeasure = Measure(
  name: "loss", summary: "packets lost, of a million, against the share asked for; exact patterns twice"
) { bench in
  try await withNodes(2) { nodes in
    let agents = try AgentMaker(nodes)
    let datagrams = bench.size(quick: 20_000, full: 1_000_000)
    var figures: [Figure] = []
    var wrong: [String] = []
    let forms: [(what: String, loss: Fault.Loss, share: Double, isDrawn: Bool)] = [
      ("random 1 %", .random(probability: 0.01), 0.01, true),
      ("random 10 %", .random(probability: 0.1), 0.1, true),
      ("random 30 %", .random(probability: 0.3), 0.3, true),
      ("every 10th", .everyNth(10), 0.1, false),
      ("exact 5 %", .pattern(probability: 0.05), 0.05, false),
    ]
    for (place, form) in forms.enumerated() {
      var lost: [[UInt32]] = []
      var samples = Samples()
      // A pattern must repeat; chance is asked once.
      for turn in 0..<(form.isDrawn ? 1 : 2) {
        let fault = Fault(
          id: "loss\(place)", run: "bench\(getpid())", node: nodes[1].name, inbound: .init(loss: form.loss),
          targets: .init(peers: nodes[0].addresses.filter { $0.family == .v4 }, protocols: [.udp]),
          timing: .init(lease: .seconds(300)), seed: bench.seed)
        try await agents.arm(fault)
        let (arrived, took) = try await onOwnThread("datagrams") {
          try DatagramPath(from: nodes[0], to: nodes[1], port: UInt16(9300 + place * 2 + turn)).send(datagrams)
        }
        try await agents.disarm(fault)
        samples.add(took / Int64(datagrams))
        let seen = Set(arrived)
        lost.append((0..<UInt32(datagrams)).filter { !seen.contains($0) })
      }
      let share = Double(lost[0].count) / Double(datagrams)
      let deviation = (form.share * (1 - form.share) / Double(datagrams)).squareRoot()
      // 99.9 % of all binomial draws lie within 3.29 standard deviations.
      let allowed = form.isDrawn ? 3.29 * deviation : 0.002
      var note = "\(fixed(share * 100, 3)) % lost, allowed ± \(fixed(allowed * 100, 3)) %"
      if abs(share - form.share) > allowed { wrong.append("\(form.what): \(note)") }
      if lost.count == 2 {
        note += lost[0] == lost[1] ? ", the same ones twice" : ", other ones the second time"
        if lost[0] != lost[1] { wrong.append("\(form.what): not the same packets twice") }
      }
      figures.append(Figure(what: "datagram, \(form.what)", samples: samples, note: note))
    }
    try await agents.close()
    guard wrong.isEmpty else { throw Problem(.fail, wrong.joined(separator: "; ")) }
    return figures
  }
}
