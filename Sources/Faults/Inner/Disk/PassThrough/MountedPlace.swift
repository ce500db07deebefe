internal import CKernel
internal import Glibc
internal import PassThrough
internal import Support

/// A mount of ours, which cannot be mistaken for another one at the same place: its name in the table of mounts was drawn
/// for it alone.
public struct MountedPlace: Sendable, Hashable, Codable {
  /// Where: absolute, without links.
  public var path: String
  /// Its name in the table of mounts.
  public var source: String

  /// How the table of mounts calls the kind.
  static let type = "fuse.\(FuseMount.subtype)"

  /// Those that are mounted on a directory or below it, as this process sees it; the newest first.
  public static func all(below directory: String) throws -> [MountedPlace] {
    try MountTable.now().mounts.filter {
      $0.type == type && ($0.path == directory || $0.path.hasPrefix(directory + "/"))
    }.map { MountedPlace(path: $0.path, source: $0.source) }.reversed()
  }

  /// Unmounts it for new uses, if it is there, and verifies that it is gone. Its process ends with the last open file.
  public func remove() throws { _ = try unmount(lazily: true) }

  /// Whether it is what is seen at the path now.
  func isThere() throws(SystemError) -> Bool { isOurs(try MountTable.now().top(at: path)) }

  private func isOurs(_ mount: MountTable.Mount?) -> Bool { mount?.type == Self.type && mount?.source == source }

  /// Unmounts it, if it is there, and verifies that it is gone.
  ///
  /// - Parameter lazily: for new uses only; files that are open stay good as long as its process lives.
  /// - Returns: whether there was something of it; if not, what else is there.
  /// - Throws: `SystemError` with EBUSY while it is used, unless `lazily`, or because something was mounted over it.
  @discardableResult
  func unmount(lazily: Bool) throws(SystemError) -> UndoAction.Result {
    let table = try MountTable.now()
    guard table.mounts.contains(where: { $0.path == path && isOurs($0) }) else { return .absent }
    guard isOurs(table.top(at: path)) else {
      throw SystemError("umount2", "\(path), which somebody mounted something else over", number: EBUSY)
    }
    // EINVAL: somebody was faster.
    guard bs_unmount_here(path, lazily ? 1 : 0) == 0 || errno == EINVAL else { throw SystemError("umount2", path) }
    guard try !MountTable.now().mounts.contains(where: { $0.path == path && isOurs($0) }) else {
      throw SystemError("umount2", "\(path), which is still mounted", number: EBUSY)
    }
    return .removed
  }
}
