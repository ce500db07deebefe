public import Support

/// Who is responsible for a lab: `owner.json` in its directory, replaced atomically at each change.
struct LabOwner: Sendable, Hashable, Codable {
  /// What the owner is about.
  enum Phase: String, Sendable, Codable {
    /// It is being made.
    case building
    /// A run uses it.
    case inUse
    /// It stands by itself, on purpose.
    case kept
    /// It is being taken down.
    case closing
  }

  var phase: Phase
  /// The process that set the phase.
  var process: ProcessIdentity
  /// The kernel's boot id then: after a reboot a recorded pid and start time mean nothing.
  var boot: String

  static func mine(_ phase: Phase) throws -> LabOwner {
    LabOwner(phase: phase, process: try ProcessIdentity.current(), boot: try bootID())
  }

  /// What follows from it, on this boot.
  func standing(boot: String) -> LabStanding {
    if self.boot != boot { return .abandoned }
    if phase == .kept { return .kept }
    return process.isAlive ? .held(process) : .abandoned
  }
}

/// Whether somebody answers for a lab.
public enum LabStanding: Sendable, Hashable, CustomStringConvertible {
  /// A living process builds, uses or removes it.
  case held(ProcessIdentity)
  /// `lab up` left it standing.
  case kept
  /// Its process is gone, or the machine was restarted: it is to be removed.
  case abandoned

  /// For people.
  public var description: String {
    switch self {
    case .held(let process): "in use by \(process)"
    case .kept: "kept by lab up"
    case .abandoned: "abandoned"
    }
  }
}
