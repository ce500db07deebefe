extension NodeClockFault {
  /// Reads the keys of a node's wrong clock; they stand among those of its timeline entry.
  static func read(_ fields: Fields) -> NodeClockFault? {
    let region = fields.required("region") { $0.text(expected: "a region") }
    let offset = fields.optional("offset", or: Offset(nanoseconds: 0), Offset.read)
    let drift = fields.optional("drift", or: Drift(partsPerBillion: 0), Drift.read)
    guard let region, let offset, let drift else { return nil }
    if offset.nanoseconds == 0, drift.partsPerBillion == 0 {
      fields.mistake("it neither sets the clock nor changes its pace", fix: "add offset: 5s, or drift: 200ppm")
      return nil
    }
    if offset.nanoseconds != 0, abs(offset.nanoseconds) < 2_000_000 {
      fields.mistake("a step of less than 2ms could not be verified")
      return nil
    }
    if abs(drift.partsPerBillion) > 100_000_000 {
      fields.mistake("a node's clock runs at most 100,000ppm too fast or too slow")
      return nil
    }
    return NodeClockFault(region: region, offset: offset, drift: drift)
  }
}
