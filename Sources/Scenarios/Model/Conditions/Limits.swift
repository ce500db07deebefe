/// The bounds of a figure, both included; at least one of them is given.
public struct Limits<Figure: Sendable & Hashable & Comparable>: Sendable, Hashable {
  /// The least; `nil`: as little as it will.
  public var min: Figure?
  /// The most; `nil`: as much as it will.
  public var max: Figure?

  /// Bounds from their parts.
  public init(min: Figure? = nil, max: Figure? = nil) {
    self.min = min
    self.max = max
  }

  /// Whether `figure` is within them.
  public func contains(_ figure: Figure) -> Bool {
    if let min, figure < min { return false }
    if let max, figure > max { return false }
    return true
  }

  /// The same bounds of another figure.
  public func map<Other>(_ transform: (Figure) -> Other) -> Limits<Other> {
    Limits<Other>(min: min.map(transform), max: max.map(transform))
  }
}

extension Limits {
  /// `≤ 1%`, `≥ 40/s`, `from 1s to 5s`.
  func text(_ write: (Figure) -> String) -> String {
    switch (min, max) {
    case (let min?, let max?): "from \(write(min)) to \(write(max))"
    case (let min?, nil): "≥ \(write(min))"
    case (nil, let max?): "≤ \(write(max))"
    case (nil, nil): "is anything"
    }
  }
}
