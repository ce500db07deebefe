extension OutboxSettings {
  static func read(_ value: Value) -> OutboxSettings? {
    value.fields { fields in
      let usual = OutboxSettings()
      let rows = fields.optional("rows", or: usual.rows) { $0.choice(Rows.self, called: "what becomes of rows") }
      let partitions = fields.optional("partitions", or: Int64(usual.partitions)) { $0.integer(in: 1...64) }
      guard let rows, let partitions else { return nil }
      return OutboxSettings(rows: rows, partitions: Int(partitions))
    }
  }
}

extension OutboxMove {
  static func read(_ value: Value) -> OutboxMove? {
    value.fields { fields in
      let to = fields.required("to") { $0.text(expected: "a region with a store") }
      let snapshot = fields.optional("snapshot", or: .noData) { $0.choice(Snapshot.self, called: "a snapshot mode") }
      guard let to, let snapshot else { return nil }
      return OutboxMove(to: to, snapshot: snapshot)
    }
  }
}
