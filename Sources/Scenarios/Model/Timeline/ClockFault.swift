internal import Support

/// A wrong time for processes of a region, in a scenario's words. It runs on beside them: no other process sees it.
public struct ClockFault: Sendable, Hashable, Codable {
  /// Where.
  public var region: String
  /// For which processes.
  public var processes: ProcessFault.Selection
  /// Whether all that descend from them are meant too.
  public var includesDescendants: Bool
  /// How far ahead their time is at first; behind if negative.
  public var offset: Offset
  /// How much faster it runs.
  public var drift: Drift
  /// Which clocks.
  public var clocks: [Clock]

  /// A wrong time from its parts.
  public init(
    region: String, processes: ProcessFault.Selection, includesDescendants: Bool, offset: Offset, drift: Drift,
    clocks: [Clock]
  ) {
    self.region = region
    self.processes = processes
    self.includesDescendants = includesDescendants
    self.offset = offset
    self.drift = drift
    self.clocks = clocks
  }

  /// A clock that programs read.
  public enum Clock: String, Sendable, Hashable, Codable, CaseIterable {
    /// The time of day.
    case realtime
    /// International atomic time.
    case tai
    /// Time since some start.
    case monotonic
    /// The same, sleep of the machine included.
    case boottime
  }
}

/// How far ahead a time is: `5s`, `-250ms`.
public struct Offset: Sendable, Hashable, Codable {
  /// Nanoseconds; negative for behind.
  public var nanoseconds: Int64

  /// An offset.
  public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }
}

/// How much faster than it should a clock runs: `200ppm`, `-50ppm`, to a thousandth of one.
public struct Drift: Sendable, Hashable, Codable, CustomStringConvertible {
  /// Parts per billion; 1000 of them are 1 ppm.
  public var partsPerBillion: Int64

  /// A drift.
  public init(partsPerBillion: Int64) { self.partsPerBillion = partsPerBillion }

  /// `200ppm`.
  public var description: String {
    let size = abs(partsPerBillion)
    let rest = size % 1000 == 0 ? "" : "." + String("\(1000 + size % 1000)".dropFirst())
    return "\(partsPerBillion < 0 ? "-" : "")\(size / 1000)\(rest)ppm"
  }
}

extension ClockFault: CustomStringConvertible {
  /// `the store in eu sees realtime 5s ahead, 200ppm faster`.
  public var description: String {
    var parts: [String] = []
    if offset.nanoseconds != 0 {
      let size = Duration.nanoseconds(abs(offset.nanoseconds)).text
      parts.append("\(size) \(offset.nanoseconds < 0 ? "behind" : "ahead")")
    }
    if drift.partsPerBillion != 0 {
      let size = Drift(partsPerBillion: abs(drift.partsPerBillion))
      parts.append("\(size) \(drift.partsPerBillion < 0 ? "slower" : "faster")")
    }
    let whole = includesDescendants ? " with all descendants" : ""
    return "\(processes)\(whole) in \(region) sees \(clocks.map(\.rawValue).joined(separator: " and ")) "
      + parts.joined(separator: ", ")
  }
}
