internal import Faults
internal import Netlink
internal import Support

/// How this kernel would make one kind of fault, or why it cannot.
struct FaultOffer: Encodable, Sendable {
  /// The kind, and the direction.
  var fault: String
  /// How it would be made; empty when it cannot be.
  var mechanisms: [MechanismChoice]
  /// Why it cannot be made. `nil`: it can.
  var refusal: String?
}

/// What every kind of fault would come to on a node with such a kernel. Touches nothing.
func faultOffers(_ features: KernelFeatures) -> [FaultOffer] {
  let node = NodeProfile(features, devices: ["eth0"])
  let kinds: [(String, Fault.Effect)] = [
    ("cut", .drop), ("cut with resets", .init(cut: .tcpReset)),
    ("random loss", .init(loss: .random(probability: 0.05))),
    ("loss in bursts", .init(loss: .bursts(.init(toBad: 0.01, toGood: 0.2)))),
    ("exact loss", .init(loss: .pattern(probability: 0.05))),
    ("delay", .init(delay: .init(.milliseconds(50), jitter: .milliseconds(5)))),
    ("reordering", .init(delay: .init(.milliseconds(50)), reorder: .init(0.01))),
    ("duplication", .init(duplicate: .init(0.01))), ("corruption", .init(corrupt: .init(0.001))),
    ("bandwidth", .init(rate: .init(bytesPerSecond: 1_250_000))),
  ]
  let shaped = kinds.flatMap { kind, effect in
    [
      offer("\(kind), inbound", Fault(doctor: effect, nil), node),
      offer("\(kind), outbound", Fault(doctor: nil, effect), node),
    ]
  }
  let answers: [(String, Fault.Answers)] = [
    ("answers of name servers", .names([.init("*", .noSuchName)])),
    ("answers of time servers", .time(.init(.seconds(5)))),
  ]
  return shaped + answers.map { offer($0, Fault(doctor: .init(answers: $1), nil), node) }
    + [offer("broken connections", Fault(doctor: nil, nil), node)]
}

/// What every kind of fault inside a node would come to on this machine. Touches nothing.
func innerOffers() -> [FaultOffer] {
  InnerOffer.all(on: InnerProfile()).map {
    FaultOffer(fault: $0.fault, mechanisms: $0.mechanisms, refusal: $0.refusal)
  }
}

private func offer(_ name: String, _ fault: Fault, _ node: NodeProfile) -> FaultOffer {
  do {
    return FaultOffer(fault: name, mechanisms: try FaultPlan(fault, on: node).mechanisms)
  } catch {
    return FaultOffer(fault: name, mechanisms: [], refusal: "\(error)")
  }
}

/// The offers for a person, a line each.
func offerLines(_ offers: [FaultOffer]) -> [String] {
  guard !offers.isEmpty else { return [] }
  var lines = ["Faults on this kernel:"]
  for offer in offers {
    let name = offer.fault.padded(to: 27)
    if let refusal = offer.refusal {
      lines += hanging("  none  \(name)", refusal)
    } else {
      let ways = offer.mechanisms.map { "\($0.mechanism.rawValue): \($0.accuracy)" }
      lines += hanging("  ok    \(name)", ways.joined(separator: "; "))
    }
  }
  return lines
}

/// `text` behind `head`, in lines of at most 120 columns.
private func hanging(_ head: String, _ text: String) -> [String] {
  wrapped(text, width: 118 - head.count).enumerated().map {
    ($0 == 0 ? head : String(repeating: " ", count: head.count)) + $1
  }
}

extension String {
  fileprivate func padded(to width: Int) -> String { self + String(repeating: " ", count: max(1, width - count)) }
}

extension Fault {
  /// A fault that is only thought of; without an effect it breaks connections.
  fileprivate init(doctor inbound: Effect?, _ outbound: Effect?) {
    self.init(
      id: "doctor", run: "doctor", node: "here", inbound: inbound, outbound: outbound,
      killsConnections: inbound == nil && outbound == nil,
      targets: .init(peers: [.v4(0xC000_0201)]), timing: .init(lease: .seconds(5)))
  }
}
