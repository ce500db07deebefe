internal import Support

extension Expansion {
  mutating func place(_ ramp: Ramp, at start: TimelineStart, suffix: String, path: String) -> End {
    let part = Duration.nanoseconds(ramp.over.nanoseconds / Int64(ramp.steps))
    var beginning = Beginning(start)
    for step in 1...ramp.steps {
      guard entries.count <= Self.limit else { return .open }
      let effect = ramp.effect(at: step)
      let isLast = step == ramp.steps
      let begins = part * (step - 1)
      // What the division leaves goes to the last step, so that the ramp is as long as it says.
      let length = isLast ? ramp.over - begins + ramp.hold : part
      guard !effect.isEmpty, let from = beginning.plus(begins) else { continue }
      let fault = FaultSpecification.network(
        ramp.link, inbound: ramp.direction == .out ? PacketEffect() : effect,
        outbound: ramp.direction == .in ? PacketEffect() : effect)
      let id = "\(ramp.id)-\(step)\(suffix)"
      append(TimelineEntry(id: id, start: from, fault: fault, stop: .after(length)), path: path)
      beginning.lead(by: id)
    }
    return .known(ramp.over + ramp.hold)
  }
}

extension Ramp {
  /// What happens to packets in a step, counted from 1.
  func effect(at step: Int) -> PacketEffect {
    func between(_ first: Int64, _ last: Int64) -> Int64 {
      let (high, low) = (last - first).multipliedFullWidth(by: Int64(step))
      return first + Int64(steps).dividingFullWidth((high, low)).quotient
    }
    func share(_ part: (PacketEffect) -> Percentage?) -> Percentage? {
      guard part(from) != nil || part(to) != nil else { return nil }
      let parts = between(part(from)?.partsPerMillion ?? 0, part(to)?.partsPerMillion ?? 0)
      return parts > 0 ? Percentage(partsPerMillion: parts) : nil
    }
    func time(_ part: (PacketEffect) -> Duration?) -> Duration? {
      guard part(from) != nil || part(to) != nil else { return nil }
      let time = between(part(from)?.nanoseconds ?? 0, part(to)?.nanoseconds ?? 0)
      return time > 0 ? .nanoseconds(time) : nil
    }
    let delay = time(\.delay)
    let jitter = delay == nil ? nil : time(\.jitter)
    return PacketEffect(
      loss: share(\.randomLoss).map { .random($0, correlation: nil) }, delay: delay, jitter: jitter,
      distribution: jitter == nil || to.table != nil ? nil : to.distribution ?? from.distribution,
      table: jitter == nil || to.distribution != nil ? nil : to.table ?? from.table,
      correlation: jitter == nil ? nil : to.correlation ?? from.correlation,
      reorder: delay == nil ? nil : share(\.reorder), duplicate: share(\.duplicate), corrupt: share(\.corrupt),
      rate: from.rate.flatMap { first in
        to.rate.flatMap { last in BitRate(bitsPerSecond: between(first.bitsPerSecond, last.bitsPerSecond)) }
      }, burst: to.burst, queue: to.queue)
  }
}

extension PacketEffect {
  /// The share that is lost, each packet for itself; `nil` when none is, or in a pattern.
  fileprivate var randomLoss: Percentage? {
    guard case .random(let share, _) = loss else { return nil }
    return share
  }
}
