internal import Faults
internal import Netlink
internal import Support
typealias NamespaceAgent = FaultHolder
extension FaultHolder {
  convenience init(node: String, namespace: NetworkNamespace, timebase: Timebase, _ report: @escaping @Sendable (FaultEvent) -> Void) throws {
    try self.init(node: node, namespace: namespace, timebase: timebase, report: report)
  }
}
