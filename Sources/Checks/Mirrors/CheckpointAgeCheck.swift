internal import Support

/// M10, checkpoint stale or absent: a group has committed at the source, and longer than the objective later, outages not
/// counted, no checkpoint takes that into account.
///
/// A mirror emits a checkpoint only where the translated offset advances, so a commit counts as taken into account by a
/// checkpoint that was made from it or a later one, or that is as high at the target as the sync points allow for it. It includes
/// the case in which the mirror cannot translate at all: the group stands before the oldest usable sync point (as after a
/// restart), or no sync point was ever written.
struct CheckpointAgeCheck: Sendable {
  static let anomalies: Set<Anomaly> = [.checkpointStale]

  private struct Commit: Sendable {
    var offset: Int64
    var time: Int64
    /// The lowest translation of it since it was made. `nil`: there was none so far.
    var lowest: Int64?
    var isReported = false
  }

  private let place: MirrorPlace
  private let expectations: MirrorExpectations
  /// By group: the oldest commit that no checkpoint has taken into account, and the newest one.
  private var open: [String: Commit] = [:]
  private var newest: [String: (offset: Int64, time: Int64)] = [:]
  private var last: [String: Checkpoint] = [:]
  private var findings = FindingBuffer()
  private(set) var judged = 0

  init(_ place: MirrorPlace, _ expectations: MirrorExpectations) {
    self.place = place
    self.expectations = expectations
  }

  /// The group's committed offset at the source was read.
  mutating func takeCommit(_ group: String, _ offset: Int64, at time: Int64, _ state: TranslationState) {
    if newest[group]?.offset != offset {
      newest[group] = (offset, time)
      // A commit of 0 is where a group without any starts, too.
      if open[group] == nil, offset > 0 {
        open[group] = Commit(offset: offset, time: time, lowest: state.lowest(for: offset))
        cover(group)
      }
    }
  }

  mutating func take(_ checkpoint: Checkpoint) {
    judged += 1
    last[checkpoint.group] = checkpoint
    cover(checkpoint.group)
  }

  private mutating func cover(_ group: String) {
    guard let commit = open[group], let checkpoint = last[group] else { return }
    let isHighEnough = commit.lowest.map { checkpoint.downstream >= $0 } ?? false
    guard checkpoint.upstream >= commit.offset || isHighEnough else { return }
    open[group] = nil
    guard let next = newest[group], next.offset > checkpoint.upstream, next.offset != commit.offset else { return }
    open[group] = Commit(offset: next.offset, time: next.time)
  }

  /// Time has gone by, or the sync points have changed. `isMirrored`: anything of this partition was ever carried.
  mutating func pass(_ time: Int64, _ state: TranslationState, isMirrored: Bool) {
    for (group, var commit) in open {
      if let lowest = state.lowest(for: commit.offset) { commit.lowest = min(commit.lowest ?? .max, lowest) }
      open[group] = commit
      cover(group)
      guard isMirrored, !commit.isReported, open[group]?.offset == commit.offset else { continue }
      let age = expectations.undisturbed(commit.time, time)
      guard age > expectations.checkpointAge else { continue }
      open[group]?.isReported = true
      findings.add(
        Finding(
          .checkpointStale,
          "\(group) committed source offset \(commit.offset) of \(place) \(brief(age)) ago (objective "
            + "\(brief(expectations.checkpointAge))), and \(reason(group, commit, state))", store: place.flow.to,
          positions: [commit.offset], times: [commit.time, time]))
    }
  }

  private func reason(_ group: String, _ commit: Commit, _ state: TranslationState) -> String {
    let known =
      last[group].map { "its last checkpoint stands at source offset \($0.upstream)" } ?? "it has no checkpoint"
    switch state.translations(of: commit.offset).last {
    case .tooOld: return known + ": the mirror cannot translate an offset so far behind its oldest usable sync point"
    case .unavailable where !state.hasSyncs: return known + ": no sync point was written"
    default: return known
    }
  }

  mutating func drain() -> [Finding] { findings.drain() }
}
