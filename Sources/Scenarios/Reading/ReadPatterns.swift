internal import Support

extension TimelineSequence {
  static func read(_ fields: Fields, _ id: String?, _ start: TimelineStart?, _ depth: Int) -> TimelineSequence? {
    let members = fields.required("sequence") { $0.list { TimelineItem.read($0, in: .pattern, depth: depth + 1) } }
    let gap: Duration? = fields.optional("gap", or: .zero) { $0.unit() }
    guard let id, let start, let members, let gap else { return nil }
    return TimelineSequence(id: id, start: start, gap: gap, members: members)
  }
}

extension TimelineGroup {
  static func read(_ fields: Fields, _ id: String?, _ start: TimelineStart?, _ depth: Int) -> TimelineGroup? {
    let members = fields.required("parallel") { $0.list { TimelineItem.read($0, in: .pattern, depth: depth + 1) } }
    guard let id, let start, let members else { return nil }
    return TimelineGroup(id: id, start: start, members: members)
  }
}

extension Repetition {
  static func read(_ fields: Fields, _ id: String?, _ start: TimelineStart?, _ depth: Int) -> Repetition? {
    let members = fields.required("repeat") { $0.list { TimelineItem.read($0, in: .pattern, depth: depth + 1) } }
    let times = fields.required("times") { $0.integer(in: 1...100_000) }
    let every = fields.required("every") { $0.positiveDuration() }
    let jitter: Duration? = fields.optional("jitter", or: .zero) { $0.unit() }
    guard let id, let start, let members, let times, let every, let jitter else { return nil }
    return Repetition(id: id, start: start, times: Int(times), every: every, jitter: jitter, members: members)
  }
}

extension Swizzle {
  static func read(_ fields: Fields, _ id: String?, _ start: TimelineStart?) -> Swizzle? {
    let swizzle = fields.required("swizzle") { value in
      value.fields { fields -> Swizzle? in
        let links = fields.optional("links", or: []) { $0.list(Pair.read) }
        let cutEvery: Duration? = fields.required("cutEvery") { $0.unit() }
        let hold = fields.required("hold") { $0.positiveDuration() }
        let healEvery: Duration? = fields.required("healEvery") { $0.unit() }
        guard let links, let cutEvery, let hold, let healEvery else { return nil }
        return Swizzle(
          id: id ?? "", start: start ?? .at(.zero), links: links, cutEvery: cutEvery, hold: hold, healEvery: healEvery)
      }
    }
    return id == nil || start == nil ? nil : swizzle
  }
}

extension Swizzle.Pair {
  static func read(_ value: Value) -> Swizzle.Pair? {
    guard let names = value.list({ $0.text(expected: "a region") }) else { return nil }
    guard names.count == 2 else {
      value.mistake("a link is between two regions, found \(names.count)", fix: "such as [east, eu]")
      return nil
    }
    return Swizzle.Pair(names[0], names[1])
  }
}

extension Ramp {
  static func read(_ fields: Fields, _ id: String?, _ start: TimelineStart?) -> Ramp? {
    let ramp = fields.required("ramp") { value in
      value.fields { fields -> Ramp? in
        let link = FaultSpecification.Link.read(fields)
        let direction = fields.optional("direction", or: .both) {
          $0.choice(FaultSpecification.Direction.self, called: "a direction")
        }
        let first = fields.optional("start", or: PacketEffect(), PacketEffect.read)
        let last = fields.required("end", PacketEffect.read)
        let over = fields.required("over") { $0.positiveDuration() }
        let steps = fields.required("steps") { $0.integer(in: 1...1000) }
        let hold: Duration? = fields.optional("hold", or: .zero) { $0.unit() }
        guard let link, let direction, let first, let last, let over, let steps, let hold else { return nil }
        return Ramp(
          id: id ?? "", start: start ?? .at(.zero), link: link, direction: direction, from: first, to: last,
          over: over, steps: Int(steps), hold: hold)
      }
    }
    return id == nil || start == nil ? nil : ramp
  }
}
