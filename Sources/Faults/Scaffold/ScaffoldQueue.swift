internal import Netlink

extension Discipline {
  /// Whether what the kernel shows is this, as far as it shows it: it keeps distributions to itself, tells a seed only if
  /// it took one, and rounds the sizes of a bucket to its own ticks.
  func isShown(by found: QueueingDiscipline) -> Bool {
    guard found.kind == kind else { return false }
    switch self {
    case .netem(var wanted):
      guard var shown = try? found.netem() else { return false }  // what does not parse is not this
      (wanted.distribution, wanted.seed) = ([], nil)
      (shown.distribution, shown.seed) = ([], nil)
      return shown == wanted
    case .tokenBucket(let wanted):
      guard let shown = try? found.tokenBucket() else { return false }
      return shown.bytesPerSecond == wanted.bytesPerSecond && shown.queueBytes == wanted.queueBytes
    case .hierarchicalTokenBucket, .packetQueue, .byteQueue: return true
    }
  }
}
