internal import Support

/// How the clock of a whole node is made wrong: by a step of its time of day, by another rate of its clocks, or both.
///
/// All programs of the node see it, the monotonic clock runs at the wrong rate as well, and so do the times of files and of
/// the kernel: what a stub in each program cannot reach. It is only ever made where that was permitted explicitly
/// (``ProcessScope/permitsNodeClock``), and never on a node that is a network namespace of this machine.
public struct NodeClockChange: Sendable, Hashable, Codable {
  /// By how much the time of day is set ahead at once, in nanoseconds; negative for behind.
  public var offsetNanoseconds: Int64
  /// How much faster all clocks run, in parts per billion; negative for slower.
  public var driftPartsPerBillion: Int64

  /// A change of a node's clock.
  public init(offsetNanoseconds: Int64, driftPartsPerBillion: Int64 = 0) {
    self.offsetNanoseconds = offsetNanoseconds
    self.driftPartsPerBillion = driftPartsPerBillion
  }

  /// A tenth faster or slower, which is what the kernel takes.
  public static let largestDrift: Int64 = 100_000_000
  /// A shorter step could not be told from the time that looking at two clocks takes on a busy machine.
  public static let smallestOffset: Int64 = 2_000_000

  /// What is wrong with it, in words; `nil` if nothing is.
  public var mistake: String? {
    if offsetNanoseconds == 0 && driftPartsPerBillion == 0 { return "it neither moves the clock nor changes its pace" }
    if offsetNanoseconds != 0 && offsetNanoseconds.magnitude < Self.smallestOffset.magnitude {
      return "a step of less than 2 ms could not be verified"
    }
    if offsetNanoseconds.magnitude > ClockSkew.largestOffset.magnitude { return "the offset is beyond 100 years" }
    if driftPartsPerBillion.magnitude > Self.largestDrift.magnitude { return "the drift is beyond ±100,000 ppm" }
    return nil
  }
}

extension NodeClockChange: CustomStringConvertible {
  /// `+5 s, −200 ppm`.
  public var description: String {
    let skew = ClockSkew(offsetNanoseconds: offsetNanoseconds, driftPartsPerBillion: driftPartsPerBillion)
    return String("\(skew)".dropFirst("realtime ".count))
  }
}

extension NodeClockChange {
  /// How it is made on a node with these abilities. Pure.
  ///
  /// - Throws: ``FaultError`` (unsupported) when such a node cannot have it.
  func plan(_ fault: InnerFault, on node: InnerProfile) throws(FaultError) -> InnerFaultPlan {
    if let why = node.whyNot(.nodeClock) {
      throw FaultError(.unsupported("the node's clock cannot be set: \(why)"), fault: fault.id, node: fault.node)
    }
    var limits = [
      "every program of the node sees it, and the leases and timers of the node itself do",
      "refused where a time daemon keeps the clock, or another adjustment is under way: stop it first",
      "refused for a node that is a network namespace, whose clock is this machine's",
    ]
    if driftPartsPerBillion != 0 {
      limits.append("monotonic clocks run wrong too, so that leases on the node last longer or shorter by the drift")
    }
    return InnerFaultPlan(
      mechanisms: [
        .init(
          part: "clock", mechanism: .clockAdjustment,
          why: "only the kernel's own clock is seen by files, timers and programs that ask in any way",
          accuracy: "a step exact to 1 ns, a rate to 0.02 ppb; taken back to within some µs")
      ], changes: ["\(self) for the clock of the whole node, by one clock_adjtime"],
      undo: "blackstart recover on the node; or set its clock by its time daemon", limits: limits)
  }
}
