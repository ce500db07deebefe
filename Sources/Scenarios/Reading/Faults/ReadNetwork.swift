extension FaultSpecification {
  static func readNetwork(_ fields: Fields) -> FaultSpecification? {
    let link = Link.read(fields)
    guard let both = fields.optional("both", or: PacketEffect(), PacketEffect.read) else {
      for key in ["in", "out"] { _ = fields.value(key) }
      return nil
    }
    let inbound = fields.optional("in", or: both, PacketEffect.read)
    let outbound = fields.optional("out", or: both, PacketEffect.read)
    guard let link, let inbound, let outbound else { return nil }
    return .network(link, inbound: inbound, outbound: outbound)
  }
}
