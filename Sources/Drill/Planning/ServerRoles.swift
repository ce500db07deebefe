internal import Lab
internal import Scenarios

extension ServerKind {
  /// What a scenario calls it.
  var role: ProcessFault.Server {
    switch self {
    case .etcd: .etcd
    case .store: .store
    case .controlPlane: .controlPlane
    case .broker: .broker
    case .worker: .mirror
    case .registry: .registry
    case .registryGuard: .registryGuard
    case .adminGuard: .adminGuard
    }
  }

  /// The server of the lab that plays a role; `nil` for ``ProcessFault/Server/all``.
  init?(_ role: ProcessFault.Server) {
    guard let kind = Self.allCases.first(where: { $0.role == role }) else { return nil }
    self = kind
  }
}
