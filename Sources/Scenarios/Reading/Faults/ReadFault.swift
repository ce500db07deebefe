extension FaultSpecification {
  /// Reads a fault from the keys of its timeline entry. Each kind's keys are read in a file of its own.
  static func read(_ fields: Fields) -> FaultSpecification? {
    switch fields.required("fault", { $0.choice(Kind.self, called: "a fault") }) {
    case .partition: readPartition(fields)
    case .network: readNetwork(fields)
    case .killConnections: readKillConnections(fields)
    case .process: ProcessFault.read(fields).map { .process($0) }
    case .clock: ClockFault.read(fields).map { .clock($0) }
    case .nodeClock: NodeClockFault.read(fields).map { .nodeClock($0) }
    case .dns: readNames(fields)
    case .ntp: readTime(fields)
    case .disk: DiskFault.read(fields).map { .disk($0) }
    case nil:
      // Which keys belong here depends on the kind; none of them is a second mistake.
      fields.acceptOthers()
    }
  }
}
