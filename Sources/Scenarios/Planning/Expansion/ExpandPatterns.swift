internal import Support

extension Expansion {
  mutating func place(_ sequence: TimelineSequence, at start: TimelineStart, suffix: String, path: String) -> End {
    var beginning = Beginning(start)
    var offset = Duration.zero  // of the next part from `beginning`
    var end = End.known(.zero)
    var onlyKnown = true
    for (index, member) in sequence.members.enumerated() {
      let own = "\(path).sequence[\(index)]"
      let gap = index == 0 ? Duration.zero : sequence.gap
      let wait = gap + (member.start.time ?? .zero)
      switch end {
      case .known: offset += wait
      case .fault(let id):
        beginning = Beginning(.after(.faultEnded(id), delay: wait))
        offset = .zero
        onlyKnown = false
      case .open:
        mistake(
          own, "nothing says when the part before it has ended", fix: "end that part with for, or until a condition")
        return .open
      }
      end = place(member, offset, from: &beginning, suffix: suffix, path: own)
      if case .known(let length) = end { offset += length }
    }
    if onlyKnown, case .known = end { return .known(offset) }
    // The length of what came before is not known; its last fault ends the sequence.
    if case .known = end, let last = entries.last?.entry.id { return .fault(last) }
    return end
  }

  mutating func place(_ group: TimelineGroup, at start: TimelineStart, suffix: String, path: String) -> End {
    placeAll(
      group.members.enumerated().map { ($1, $1.start.time ?? .zero, "\(path).parallel[\($0)]") }, at: start,
      suffix: suffix)
  }

  mutating func place(_ repetition: Repetition, at start: TimelineStart, suffix: String, path: String) -> End {
    var random = SeededRandom(seed: seed, for: "timeline \(repetition.id)\(suffix)")
    var beginning = Beginning(start)
    var length = Duration.zero
    for round in 0..<repetition.times {
      guard entries.count <= Self.limit else { return .open }
      // The first round begins when the repetition does.
      let late = round == 0 ? Duration.zero : random.duration(upTo: repetition.jitter)
      let offset = repetition.every * round + late
      let first = entries.count
      guard let from = beginning.plus(offset) else {
        mistake(path, "begins when a condition holds, so its first part must begin with it", fix: "set its at to 0s")
        return .open
      }
      let end = placeAll(
        repetition.members.enumerated().map { ($1, $1.start.time ?? .zero, "\(path).repeat[\($0)]") }, at: from,
        suffix: "\(suffix)-\(round + 1)")
      beginning.lead(by: first < entries.count ? entries[first].entry.id : nil)
      guard case .known(let lasts) = end else {
        mistake(path, "a round of a repetition must have a known length", fix: "end its parts with for")
        return .open
      }
      if round == 0, repetition.times > 1, lasts + repetition.jitter > repetition.every {
        mistake(
          "\(path).every",
          "a round lasts \(lasts.text)\(repetition.jitter > .zero ? " and may be \(repetition.jitter.text) late" : "");"
            + " the next one would begin before it has ended", fix: "at least \((lasts + repetition.jitter).text)")
        return .open
      }
      length = offset + lasts
    }
    return .known(length)
  }

  mutating func place(_ swizzle: Swizzle, at start: TimelineStart, suffix: String, path: String) -> End {
    let names = topology.regions.map(\.name)
    let all = names.indices.flatMap { one in names[(one + 1)...].map { Swizzle.Pair(names[one], $0) } }
    var random = SeededRandom(seed: seed, for: "timeline \(swizzle.id)\(suffix)")
    let links = (swizzle.links.isEmpty ? all : swizzle.links).shuffled(using: &random)
    let healed = links.indices.shuffled(using: &random)  // the k-th to be healed
    var beginning = Beginning(start)
    let firstHeal = swizzle.cutEvery * max(0, links.count - 1) + swizzle.hold
    for (index, link) in links.enumerated() {
      let cut = swizzle.cutEvery * index
      let heal = firstHeal + swizzle.healEvery * (healed.firstIndex(of: index) ?? 0)
      guard let from = beginning.plus(cut) else { return .open }
      let fault = FaultSpecification.partition(
        FaultSpecification.Link(region: link.region, peers: .regions([link.peer])), direction: .both, answer: .silence)
      let id = "\(swizzle.id)-\(index + 1)\(suffix)"
      append(TimelineEntry(id: id, start: from, fault: fault, stop: .after(heal - cut)), path: path)
      beginning.lead(by: id)
    }
    return .known(firstHeal + swizzle.healEvery * max(0, links.count - 1))
  }

  /// Parts side by side, each at its distance from the common beginning.
  private mutating func placeAll(
    _ parts: [(item: TimelineItem, offset: Duration, path: String)], at start: TimelineStart, suffix: String
  ) -> End {
    var beginning = Beginning(start)
    var ends: [End] = []
    // What begins with the group comes first: the rest may have nothing else to count from.
    let order = parts.filter { $0.offset == .zero } + parts.filter { $0.offset > .zero }
    for part in order {
      let end = place(part.item, part.offset, from: &beginning, suffix: suffix, path: part.path)
      if case .known(let length) = end, part.item.start.time != nil {
        ends.append(.known(part.offset + length))
      } else {
        ends.append(end)
      }
    }
    if ends.count == 1 { return ends[0] }
    var longest = Duration.zero
    for end in ends {
      guard case .known(let length) = end else { return .open }
      longest = max(longest, length)
    }
    return .known(longest)
  }

  /// A part at its distance from the beginning, or at the time of its own that it asks for.
  private mutating func place(
    _ member: TimelineItem, _ offset: Duration, from beginning: inout Beginning, suffix: String, path: String
  ) -> End {
    let first = entries.count
    if member.start.time == nil {
      let end = place(member, at: member.start, suffix: suffix, path: path)
      guard case .known = end, entries.count == first + 1 else { return end }
      return .fault(entries[first].entry.id)
    }
    guard let start = beginning.plus(offset) else {
      mistake(
        path, "the pattern begins when a condition holds, so its first part must begin with it", fix: "set its at to 0s"
      )
      return .open
    }
    let end = place(member, at: start, suffix: suffix, path: path)
    beginning.lead(by: first < entries.count ? entries[first].entry.id : nil)
    return end
  }
}

extension SeededRandom {
  /// A duration from zero to `limit`, whole milliseconds.
  fileprivate mutating func duration(upTo limit: Duration) -> Duration {
    let most = limit.milliseconds
    return most > 0 ? .milliseconds(Int64.random(in: 0...most, using: &self)) : .zero
  }
}
