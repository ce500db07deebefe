/// What the authority says.
public enum TokenReading: Sendable, Hashable {
  /// This reign is, held by whom it names.
  case held(FencingToken, holder: String)
  /// Nobody holds write authority.
  case vacant
}

/// Whether a request may pass, and by which rule.
public struct TokenVerdict: Sendable, Hashable {
  /// Whether it may pass.
  public var isAllowed: Bool
  /// Which rule says so.
  public var rule: GuardRule

  /// It may pass.
  public static func allowed(_ rule: GuardRule) -> TokenVerdict { TokenVerdict(isAllowed: true, rule: rule) }
  /// It may not.
  public static func refused(_ rule: GuardRule) -> TokenVerdict { TokenVerdict(isAllowed: false, rule: rule) }
}

/// Errors planted in a guard on purpose, to see that the checklist finds them.
public enum GuardPlant: String, Sendable, Hashable, CaseIterable {
  /// Everything passes.
  case pass = "guard-passes"
  /// Tokens are compared as text, so 9 is above 10.
  case comparesText = "tokens-as-text"
}

/// The one decision of all guards: which fencing token may pass, from what the authority said and what was seen before.
/// A value without I/O. Times are nanoseconds of one monotonic clock.
///
/// A token passes only when it *equals* that of the reign which the authority names. "At least the highest seen" would let an
/// inflated token pass and then lock the true leader out.
public struct TokenFence: Sendable, Hashable {
  /// How old the authority's answer may be.
  public let maximumAge: Int64
  /// The highest token that was ever seen.
  public private(set) var highest: FencingToken?
  /// What the authority said last.
  public private(set) var reading: TokenReading?
  /// When it was asked for that: its age counts from before the question left.
  public private(set) var askedAt: Int64 = 0
  private let plant: GuardPlant?

  /// A fence that has heard nothing yet.
  ///
  /// - Parameters:
  ///   - highest: what was kept from before.
  ///   - maximumAge: for how long an answer of the authority stands when it answers no more.
  public init(highest: FencingToken?, maximumAge: Duration, plant: GuardPlant? = nil) {
    self.highest = highest
    self.maximumAge = maximumAge.components.seconds * 1_000_000_000 + maximumAge.components.attoseconds / 1_000_000_000
    self.plant = plant
  }

  /// The token that `reading` would raise the highest to; it must be kept durably before ``note(_:askedAt:)``. `nil` if it does
  /// not.
  public func rise(by reading: TokenReading) -> FencingToken? {
    guard case .held(let token, _) = reading, highest.map({ token > $0 }) ?? true else { return nil }
    return token
  }

  /// Takes in what the authority said when asked at `askedAt`. What it said earlier is not taken back by an answer that was
  /// overtaken.
  public mutating func note(_ reading: TokenReading, askedAt: Int64) {
    if let higher = rise(by: reading) { highest = higher }
    guard self.reading == nil || askedAt >= self.askedAt else { return }
    self.reading = reading
    self.askedAt = askedAt
  }

  /// The verdict if it does not depend on what the authority says now; `nil` when the authority has to be asked.
  public func verdictWithoutAsking(_ presented: PresentedToken) -> TokenVerdict? {
    if plant == .pass { return .allowed(.planted) }
    switch presented {
    case .absent: return .refused(.noToken)
    case .malformed: return .refused(.malformedToken)
    case .token(let token):
      if plant != .comparesText, let highest, token < highest { return .refused(.staleToken) }
      return nil
    }
  }

  /// Whether a request with this token may pass at `now`.
  public func judge(_ presented: PresentedToken, at now: Int64) -> TokenVerdict {
    if let verdict = verdictWithoutAsking(presented) { return verdict }
    guard case .token(let token) = presented else { return .refused(.malformedToken) }
    guard let reading, now - askedAt <= maximumAge else { return .refused(.authorityUnknown) }
    guard case .held(let current, _) = reading else { return .refused(.noAuthority) }
    if plant == .comparesText {
      return token.description >= current.description ? .allowed(.currentToken) : .refused(.staleToken)
    }
    if let highest, current < highest { return .refused(.authorityRegressed) }
    if token > current { return .refused(.inflatedToken) }
    return token == current ? .allowed(.currentToken) : .refused(.staleToken)
  }
}
