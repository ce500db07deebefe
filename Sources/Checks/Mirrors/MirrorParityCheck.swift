internal import Events

/// M5, partition parity: both ends have the same records in the same order, as far as the mirror has come, and as many
/// partitions.
///
/// Records that bear an identity are compared one by one; what the identities already tell to be missing, repeated, out of order
/// or altered is M1's to M4's, and a record that the source never had is divergence. Records without identity are compared by
/// their content alone, prefix by prefix: a chained digest (see ``ParityChain``) of each end, compared block by block, so that
/// only the blocks that one end has not come to yet are kept, and the first record that differs is named.
struct MirrorParityCheck: AnomalyCheck {
  static let anomalies: Set<Anomaly> = [.mirrorDivergence]

  private struct Content: Sendable, Equatable {
    var offset: Int64
    var key: UInt64
    var checksum: UInt64

    static func == (left: Content, right: Content) -> Bool { left.key == right.key && left.checksum == right.checksum }
  }

  private struct End: Sendable {
    var chain = ParityChain()
    /// What has not been compared yet, from ``keptFrom`` on.
    var kept: [Content] = []
  }

  private let place: MirrorPlace
  private var source = End()
  private var target = End()
  private var keptFrom = 0
  private var differs = false
  private var findings = FindingBuffer()

  init(_ place: MirrorPlace) { self.place = place }

  mutating func take(_ fact: MirrorFact) {
    guard case .foreign(let target) = fact else { return }
    findings.add(
      Finding(
        .mirrorDivergence,
        "\(place) has \(name(target)) at offset \(target.offset), which \(place.flow.from) never had",
        events: target.event.map { [$0] } ?? [], store: place.flow.to, positions: [target.offset]))
  }

  /// The next record of one end that bears no identity.
  mutating func take(_ record: MirrorRecord, at side: MirrorSide) {
    guard !differs else { return }
    let content = Content(offset: record.offset, key: record.key, checksum: record.checksum ?? 0)
    switch side {
    case .source: Self.append(content, to: &source)
    case .target: Self.append(content, to: &target)
    }
    while min(source.kept.count, target.kept.count) >= ParityChain.blockSize {
      let block = keptFrom / ParityChain.blockSize
      guard source.chain.notes[block] == target.chain.notes[block] else { return compare() }
      source.kept.removeFirst(ParityChain.blockSize)
      target.kept.removeFirst(ParityChain.blockSize)
      keptFrom += ParityChain.blockSize
    }
  }

  private static func append(_ content: Content, to end: inout End) {
    end.chain.append(key: content.key, checksum: content.checksum)
    end.kept.append(content)
  }

  /// The partition counts of one topic, by the last samples.
  mutating func takeCounts(_ topic: String, source: Int, target: Int) {
    guard source != target else { return }
    findings.add(
      Finding(
        .mirrorDivergence,
        "\(topic) has \(counted(source, "partition")) in \(place.flow.from) and \(target) in \(place.flow.to)",
        store: place.flow.to))
  }

  /// Compares what is left; to be called once, when nothing more will come.
  mutating func end() { if !differs { compare() } }

  private mutating func compare() {
    let difference = ParityChain.firstDifference(source.chain, target.chain) { start in
      (Array(source.kept.dropFirst(start - keptFrom)), Array(target.kept.dropFirst(start - keptFrom)))
    }
    guard let difference else { return }
    differs = true
    let here = source.kept[difference - keptFrom].offset
    let there = target.kept[difference - keptFrom].offset
    findings.add(
      Finding(
        .mirrorDivergence,
        "\(place) parts from \(place.flow.from) with record \(difference + 1): offset \(there) of the mirror has another content "
          + "than offset \(here) of the source", store: place.flow.to, positions: [there]))
  }

  mutating func drain() -> [Finding] { findings.drain() }
}
