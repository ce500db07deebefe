internal import Faults
internal import Netlink
internal import Support

/// Every kind of fault that is killed, each by a way of its own through the kernel.
enum SweptFault: String, CaseIterable, Sendable {
  case cutInbound = "cut-in"
  case cutOutbound = "cut-out"
  case cutBoth = "cut-both"
  case reset = "reset-in"
  case unreachable = "icmp-out"
  case loss = "loss-both"
  case bursts = "bursts-in"
  case flapping = "flapping-in"
  case killsConnections = "kill-connections"
  case rateInbound = "rate-in"
  case rateOutbound = "rate-out"
  case delayInbound = "delay-in"
  case delayOutbound = "delay-out"
  case delayBoth = "delay-both"
  case duplicate = "duplicate-out"
  case corrupt = "corrupt-in"
  case answers = "answers-in"

  /// As short as heartbeats allow, so that the kernel's own end comes within the time that is waited.
  static let silence = Duration.milliseconds(300)

  /// The fault on `node`, towards `peers`.
  func fault(on node: String, peers: [IPAddress]) -> Fault {
    func fault(
      in inbound: Fault.Effect? = nil, out outbound: Fault.Effect? = nil, turns: Fault.Flapping? = nil
    ) -> Fault {
      var fault = Fault(
        id: rawValue, run: "sweep", node: node, inbound: inbound, outbound: outbound, targets: .init(peers: peers),
        timing: .init(lease: .seconds(30), heartbeat: .milliseconds(100), silence: Self.silence))
      fault.timing.flapping = turns
      return fault
    }
    let delay = Fault.Effect(delay: .init(.milliseconds(20), jitter: .milliseconds(2)))
    let rate = Fault.Effect(rate: .init(bytesPerSecond: 125_000))
    let lossy = Fault.Effect(loss: .random(probability: 0.5))
    return switch self {
    case .cutInbound: fault(in: .drop)
    case .cutOutbound: fault(out: .drop)
    case .cutBoth: fault(in: .drop, out: .drop)
    case .reset: fault(in: .init(cut: .tcpReset))
    case .unreachable: fault(out: .init(cut: .icmp(.adminProhibited)))
    case .loss: fault(in: lossy, out: lossy)
    case .bursts: fault(in: .init(loss: .bursts(.init(toBad: 0.1, toGood: 0.3))))
    case .flapping: fault(in: .drop, turns: .init(on: .milliseconds(150), off: .milliseconds(100)))
    case .killsConnections:
      {
        var fault = fault(in: .drop)
        fault.killsConnections = true
        return fault
      }()
    case .rateInbound: fault(in: rate)
    case .rateOutbound: fault(out: rate)
    case .delayInbound: fault(in: delay)
    case .delayOutbound: fault(out: delay)
    case .delayBoth: fault(in: delay, out: delay)
    case .duplicate: fault(out: .init(duplicate: .init(0.2)))
    case .corrupt: fault(in: .init(corrupt: .init(0.2)))
    case .answers: fault(in: .init(answers: .names([.init("*", .noSuchName, delay: .milliseconds(50))])))
    }
  }
}

/// A point in the life of a fault: a record of one of its two journals.
enum SweepStep: String, CaseIterable, Sendable {
  /// The caller's record before it asks for the fault.
  case arming = "fault.arming"
  /// The undo journal is begun.
  case undoBegin = "undo.begin"
  /// The guardian was started.
  case undoGuardian = "undo.guardian"
  /// What is to be undone is on disk; nothing of it is made yet.
  case undoPlanned = "undo.planned"
  /// The devices are there; no table steers into them yet.
  case undoMade = "undo.made"
  /// The fault is in force.
  case armed = "fault.armed"
  /// Heartbeats have kept it.
  case held = "fault.held"
  /// The caller's record before it asks for the end.
  case disarming = "fault.disarming"
  /// The devices are gone again.
  case undoUndone = "undo.undone"
  /// The fault is verified gone.
  case disarmed = "fault.disarmed"

  /// Whether it is a record of the undo journal, which only faults that need one have.
  var isOfUndoJournal: Bool { rawValue.hasPrefix("undo.") }

  /// Whether the fault is surely in force there.
  var isInForce: Bool { self == .held }
}
