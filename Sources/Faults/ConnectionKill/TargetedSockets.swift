internal import Netlink

/// Which sockets of a node are conversations with the targets of a fault.
struct TargetedSockets: Sendable {
  private let targets: Fault.Targets
  private let peers: Set<IPAddress>
  private let limitsPeers: Bool
  private let excepted: Set<IPAddress>
  private let controlGroups: Set<UInt64>?

  /// Prepares the question.
  ///
  /// - Parameters:
  ///   - resolved: the addresses of the targets' names.
  ///   - controlGroups: the targets' control group and all below it, if they are limited to one. Sockets whose group the
  ///     kernel does not tell are not meant then.
  init(_ targets: Fault.Targets, resolved: [IPAddress] = [], controlGroups: Set<UInt64>? = nil) {
    self.targets = targets
    peers = Set(targets.peers + resolved)
    limitsPeers = targets.limitsPeers
    excepted = Set(targets.exempt + targets.except.peers)
    self.controlGroups = targets.cgroup == nil ? nil : controlGroups ?? []
  }

  /// The kinds of sockets to look at. TCP unless UDP is asked for by name: most of what is connected there has no
  /// connection to lose.
  var transports: [DiagnosedSocket.Transport] {
    DiagnosedSocket.Transport.allCases.filter { transport in
      let number = transport.rawValue
      return targets.protocols.isEmpty
        ? transport == .tcp : targets.protocols.contains { $0.number(.v4) == number || $0.number(.v6) == number }
    }
  }

  /// Whether it is meant: as a packet of it would be.
  func means(_ socket: DiagnosedSocket) -> Bool {
    guard socket.isConversation, transports.contains(socket.transport), !excepted.contains(socket.remote) else {
      return false
    }
    if limitsPeers {
      guard peers.contains(socket.remote) || targets.networks.contains(where: { $0.contains(socket.remote) }) else {
        return false
      }
    }
    if let user = targets.user, socket.user != user { return false }
    if let controlGroups {
      guard let group = socket.controlGroup, controlGroups.contains(group) else { return false }
    }
    let except = targets.except
    let either = targets.eitherPorts
    return Self.fits(socket.remotePort, targets.remotePorts) && Self.fits(socket.localPort, targets.localPorts)
      && (Self.fits(socket.remotePort, either) || Self.fits(socket.localPort, either))
      && !except.networks.contains { $0.contains(socket.remote) }
      && !except.remotePorts.contains { $0.contains(socket.remotePort) }
      && !except.localPorts.contains { $0.contains(socket.localPort) }
  }

  /// No range at all is no limit.
  private static func fits(_ port: UInt16, _ ranges: [PortRange]) -> Bool {
    ranges.isEmpty || ranges.contains { $0.contains(port) }
  }
}

extension PortRange {
  /// True if the port lies in the range.
  func contains(_ port: UInt16) -> Bool { first <= port && port <= last }
}
