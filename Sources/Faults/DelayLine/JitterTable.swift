internal import Netlink

extension Fault.Distribution {
  /// The inverse distribution function in units of 1/8192 of the jitter; `nil` for the uniform one, which needs none.
  var table: [Int16]? {
    switch self {
    case .uniform: nil
    case .table(let entries): entries
    case .normal: DelayDistribution.normal.table
    case .pareto: DelayDistribution.pareto.table
    case .paretonormal: DelayDistribution.paretonormal.table
    }
  }
}
