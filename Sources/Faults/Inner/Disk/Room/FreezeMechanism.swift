internal import CKernel
internal import Glibc
internal import Support
internal import Synchronization

/// Stops all writing to a file system (FIFREEZE, ioctl_fs(2)).
final class FreezeMechanism: Mechanism {
  let choice: MechanismChoice
  private let order: InnerOrder
  private let system: FrozenSystem
  private let isOurs = Mutex(false)
  private let tally = Mutex(InnerCounters(meant: 1))

  init(_ order: InnerOrder, _ choice: MechanismChoice, path: String) throws {
    self.order = order
    self.choice = choice
    let mount = try (order.scope.disks ?? NodeDisks()).expendable(path, for: "stopped")
    system = FrozenSystem(path: mount.path, device: mount.device)
  }

  var changes: [String] { ["freeze of the file system on \(system.path) (device \(system.device))"] }

  var undo: [UndoAction] { [.disk(.thaw(system))] }

  var counters: InnerCounters { tally.withLock { $0 } }

  func make() throws -> [String] {
    guard try system.freeze() else {
      throw order.refusal(.invalid("the file system on \(system.path) is frozen already, by somebody else"))
    }
    isOurs.withLock { $0 = true }
    guard try !system.freeze() else { throw SystemError("FIFREEZE", system.path, number: EIO) }
    tally.withLock { tally in
      tally.reached = 1
      tally.hits = 1
    }
    return ["the file system on \(system.path) refuses a second freeze, so it is frozen"]
  }

  func look() throws -> String? {
    // One that can be frozen was not.
    guard try system.freeze() else { return nil }
    try system.thaw()
    isOurs.withLock { $0 = false }
    return "somebody thawed the file system on \(system.path)"
  }

  func takeAway() throws -> [String] {
    guard isOurs.withLock({ $0 }) else { return ["nothing of ours is frozen on \(system.path)"] }
    try system.thaw()
    guard try !system.thaw() else { throw SystemError("FITHAW", system.path, number: EBUSY) }
    isOurs.withLock { $0 = false }
    return ["the file system on \(system.path) refuses a second thaw, so it is not frozen"]
  }
}

/// A file system that may be frozen, known again by its device.
public struct FrozenSystem: Sendable, Hashable, Codable {
  /// Where it is mounted.
  public var path: String
  /// Its device, `major:minor`.
  public var device: String

  /// - Returns: `false` when it is frozen already.
  func freeze() throws(SystemError) -> Bool { try ask("FIFREEZE", refusal: EBUSY, bs_freeze) }

  /// - Returns: `false` when it is not frozen.
  @discardableResult
  func thaw() throws(SystemError) -> Bool { try ask("FITHAW", refusal: EINVAL, bs_thaw) }

  private func ask(
    _ name: String, refusal: Int32, _ call: (Int32) -> Int32
  ) throws(SystemError) -> Bool {
    let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw SystemError("open", path) }
    defer { close(descriptor) }
    if call(descriptor) == 0 { return true }
    if errno == refusal { return false }
    throw SystemError(name, path)
  }

  /// Thaws it, if it is still the one that is mounted there.
  func undo() throws -> UndoAction.Result {
    guard let mount = try MountTable.now().top(at: path) else { return .absent }
    guard mount.device == device else { return .foreign("device \(mount.device) is mounted there") }
    return try thaw() ? .removed : .absent
  }
}
