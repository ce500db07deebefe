extension FaultSpecification {
  static func readKillConnections(_ fields: Fields) -> FaultSpecification? {
    Link.read(fields).map { .killConnections($0) }
  }
}
