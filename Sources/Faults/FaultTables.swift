public import Netlink

extension Fault {
  /// The tables of this tool in a namespace, whoever owns them. None means that no fault is in force there.
  ///
  /// A table whose owner is gone cannot exist: the kernel removed it with the owner's socket. So each of them has a live
  /// owner, and can be ended only by ending that process.
  public static func tables(in namespace: NetworkNamespace) throws(NetlinkError) -> [NFTables.Table] {
    let connection = try NFTables.Connection(in: namespace)
    defer { connection.close() }
    return try connection.tables().filter { $0.id.name.hasPrefix(tablePrefix) }
  }
  /// The tables that hold faults of one run in a namespace.
  public static func tables(ofRun run: String, in namespace: NetworkNamespace) throws(NetlinkError) -> [NFTables.Table]
  {
    try tables(in: namespace).filter { $0.id.name.hasPrefix("\(tablePrefix)\(run)_") }
  }
}
