/// How one part of the drill itself went: a runbook, the steady state, a probe, a message.
public struct ConductVerdict: Sendable, Hashable, Codable {
  /// Which part: `runbook`, `failback`, `steady state afterwards`, `probe store-eu`, …
  public var name: String
  /// How it went.
  public var kind: Verdict.Kind
  /// What happened, in one sentence.
  public var headline: String

  /// A part with how it went.
  public init(_ name: String, _ kind: Verdict.Kind, _ headline: String) {
    self.name = name
    self.kind = kind
    self.headline = headline
  }
}

extension DrillVerdict {
  /// Adds how the drill itself was gone through; it weighs like an item of the checklist.
  public mutating func take(conduct: [ConductVerdict]) {
    guard !conduct.isEmpty else { return }
    self.conduct = conduct
    overall = .merged([overall] + conduct.map(\.kind))
  }
}
