/// That a mirror was stopped on purpose, and let go on again: nobody expects it to carry anything in between. One that was never let go
/// on is no such pause, and excused nothing.
public struct MirrorPause: Sendable, Hashable, Codable {
  /// Which mirror.
  public var mirror: MirrorDirection
  /// When it was begun to be stopped (ns, on the recorder's clock).
  public var began: Int64
  /// When it was known to run again.
  public var ended: Int64

  /// A pause.
  public init(_ mirror: MirrorDirection, began: Int64, ended: Int64) {
    self.mirror = mirror
    self.began = began
    self.ended = ended
  }
}

extension [MirrorPause] {
  /// The stretches of time in which `flow` was stopped.
  func ranges(of flow: MirrorDirection) -> [ClosedRange<Int64>] {
    filter { $0.mirror == flow && $0.began <= $0.ended }.map { $0.began...$0.ended }
  }
}
