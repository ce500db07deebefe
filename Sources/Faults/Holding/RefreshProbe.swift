internal import Netlink

extension CompiledFault.RefreshMethod {
  /// Finds out on the running kernel whether an element's remaining life can be set: versions lie, behaviour does not.
  ///
  /// Makes a table without a chain, which no packet ever meets, and removes it again.
  static func probe(_ connection: NFTables.Connection) throws(NetlinkError) -> CompiledFault.RefreshMethod {
    let table = NFTables.TableID(.inet, "\(Fault.tablePrefix)probe_\(connection.port)")
    let key = IPAddress.v4(0x7F00_0001)
    try connection.commit(
      .init([
        .addTable(table, flags: .owner),
        .addSet(table, .init("s", id: 1, key: .address(.v4), flags: .timeout, size: 2)),
        .addElements(table, set: "s", id: 1, .init([key], timeoutMilliseconds: 60_000)),
      ]))
    let left: UInt64
    do {
      try connection.commit(
        .init([
          .addElements(
            table, set: "s", id: nil, .init([key], timeoutMilliseconds: 60_000, expirationMilliseconds: 30_000))
        ]))
      left = try connection.elements(of: "s", in: table).first?.expirationMilliseconds ?? 60_000
    } catch {
      // An old kernel may refuse the attribute on an element that is there.
      guard case .refused = error.reason else { throw error }
      left = 60_000
    }
    try connection.commit(.init([.deleteTable(table)]))
    return left <= 30_000 ? .expiration : .replacement
  }
}
