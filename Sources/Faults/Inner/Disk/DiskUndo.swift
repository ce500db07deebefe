internal import Support

/// How something is taken back that was done to disks. Every step checks that it finds what was made, and touches nothing
/// else.
public enum DiskUndo: Sendable, Hashable, Codable {
  /// Unmounts a prepared directory for new uses. Its process, if it lives, serves what is open until it is closed.
  case unmount(MountedPlace)
  /// Lets a frozen file system be written to again.
  case thaw(FrozenSystem)
  /// Removes a file that takes room.
  case removeFiller(FillerFile)
  /// Lets files be used at once again, by the end of whoever is asked before; the kernel does it when that one ends anyway.
  case release(ContentHold)

  /// Takes it back and verifies that it is gone.
  func perform() throws -> UndoAction.Result {
    switch self {
    case .unmount(let place): try place.unmount(lazily: true)
    case .thaw(let system): try system.undo()
    case .removeFiller(let filler): try filler.remove()
    case .release(let hold): try hold.release()
    }
  }
}

extension DiskUndo: CustomStringConvertible {
  /// What it takes back: `mount blackstart-0123456789abcdef on /data`.
  public var description: String {
    switch self {
    case .unmount(let place): "mount \(place.source) on \(place.path)"
    case .thaw(let system): "freeze of the file system on \(system.path)"
    case .removeFiller(let filler): "file \(filler.path)"
    case .release(let hold): "latency of files below \(hold.directory)"
    }
  }
}
