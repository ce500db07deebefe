internal import Events

/// E6, current token rejected: the fence refused the highest token that had been granted: the true leader is locked out, because
/// somebody told the fence of a token that nobody was granted (token inflation), or the fence compares wrongly.
///
/// A refusal is justified as soon as a higher token may have been granted: a grant that was invoked before the refusal returned.
/// A fence that takes a token beyond every granted one is found at once. Refused tokens that were never granted are none.
struct CurrentTokenRejectedCheck: Sendable {
  static let anomalies: Set<Anomaly> = [.currentTokenRejected]

  private struct Place: Hashable {
    var resource: String
    var token: FencingToken
  }

  private struct Refusal: Sendable {
    var write: FencedWrite
    var returned: Int64
    var count: Int
  }

  /// By token: when the first grant of it, or of a higher one, was invoked.
  private var granted: [FencingToken: Int64] = [:]
  /// Of each resource and token, the earliest refusal: it is the hardest to justify.
  private var refused: [Place: Refusal] = [:]
  private var taken: [Place: FenceAccept] = [:]
  private var findings = FindingBuffer()
  private(set) var refusals = 0

  mutating func take(_ change: LeaseChange) {
    guard change.kind == .acquired else { return }
    granted[change.token] = min(granted[change.token] ?? .max, change.invoked)
  }

  mutating func take(_ write: FencedWrite) {
    guard write.status == .rejected, let returned = write.returned else { return }
    refusals += 1
    let place = Place(resource: write.resource, token: write.token)
    let known = refused[place]
    refused[place] =
      known.map {
        Refusal(
          write: returned < $0.returned ? write : $0.write, returned: min(returned, $0.returned), count: $0.count + 1)
      }
      ?? Refusal(write: write, returned: returned, count: 1)
  }

  mutating func take(_ accept: FenceAccept) {
    let place = Place(resource: accept.resource, token: accept.token)
    if taken[place] == nil { taken[place] = accept }
  }

  /// Nothing more will come: no grant that would justify a refusal either.
  mutating func end() {
    guard let highest = granted.keys.max() else { return }
    for (place, accept) in taken.sorted(by: { ($0.key.resource, $0.key.token) < ($1.key.resource, $1.key.token) })
    where place.token > highest {
      findings.add(
        Finding(
          .currentTokenRejected,
          "\(place.resource) was told of token \(place.token), which was never granted (the highest was \(highest)): the true leader "
            + "is locked out", events: accept.event.map { [$0] } ?? [], store: place.resource,
          tokens: [place.token.revision, highest.revision], positions: [accept.sequence]))
    }
    for (place, refusal) in refused.sorted(by: { ($0.key.resource, $0.key.token) < ($1.key.resource, $1.key.token) }) {
      let isGranted = granted[place.token] != nil
      let isJustified = granted.contains { $0.key > place.token && $0.value <= refusal.returned }
      // A fence that was told of a token beyond all others refuses for that reason; that has been told.
      let isLockedOut = taken.keys.contains { $0.resource == place.resource && $0.token > highest }
      guard isGranted, !isJustified, !isLockedOut else { continue }
      findings.add(
        Finding(
          .currentTokenRejected,
          "\(place.resource) refused token \(place.token) of \(refusal.write.holder), the highest that had been granted, "
            + "\(counted(refusal.count, "time"))", events: refusal.write.event.map { [$0] } ?? [],
          store: place.resource,
          tokens: [place.token.revision], times: [refusal.write.invoked, refusal.returned]))
    }
  }

  mutating func drain() -> [Finding] { findings.drain() }
}
