internal import CFuse
internal import CKernel
internal import Glibc
public import Support

/// A directory mounted over itself, or elsewhere: every operation passes a gate and is then done on the files below.
///
/// It is made for one user of the files below: what somebody else changes there is seen late.
public final class FuseMount: @unchecked Sendable {  // proof: libfuse's session may be asked from any thread
  private let session: OpaquePointer
  private let files: ServedFiles

  /// How many operations may be in the hands of the pass-through at once, those that wait included.
  public static let threads: UInt32 = 512

  /// Mounts.
  ///
  /// - Parameters:
  ///   - directory: what is served.
  ///   - target: an existing directory; what is in it is hidden as long as the mount is there. It may be `directory`.
  ///   - source: its name in the table of mounts: letters, digits and `-`.
  ///   - keepsExtendedAttributes: whether extended attributes are served.
  /// - Throws: ``SystemError``; nothing is mounted then.
  public init(
    _ directory: String, on target: String, source: String, keepsExtendedAttributes: Bool, gate: any FileGate
  ) throws(SystemError) {
    let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw SystemError("open", directory) }
    // Open from now on, it is what is below whatever is mounted over it.
    let files = ServedFiles(nodes: try FileNodes(root: descriptor), gate: gate)
    var table = fuse_lowlevel_ops()
    table.`init` = { _, connection in FuseMount.prepare(connection) }
    FuseNames.install(in: &table)
    FuseAttributes.install(in: &table)
    FuseData.install(in: &table)
    if keepsExtendedAttributes { FuseExtendedAttributes.install(in: &table) }
    let options = "allow_other,default_permissions,fsname=\(source),subtype=\(Self.subtype)"
    // The session gives its own reference back in `close`.
    let context = Unmanaged.passRetained(files)
    guard let session = Self.makeSession(options, &table, context.toOpaque()) else {
      context.release()
      throw SystemError("fuse_session_new", target, number: EINVAL)
    }
    errno = 0
    guard fuse_session_mount(session, target) == 0 else {
      let failure = SystemError("mount", target, number: errno == 0 ? EPERM : errno)
      fuse_session_destroy(session)
      context.release()
      throw failure
    }
    self.session = session
    self.files = files
  }

  /// What the table of mounts says after `fuse.`.
  public static let subtype = "blackstart"

  private static func makeSession(
    _ options: String, _ table: inout fuse_lowlevel_ops, _ context: UnsafeMutableRawPointer
  ) -> OpaquePointer? {
    let words = ["blackstart", "-o", options]
    var pointers: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
    defer { for pointer in pointers { free(pointer) } }
    return pointers.withUnsafeMutableBufferPointer { buffer in
      var arguments = fuse_args(argc: Int32(words.count), argv: buffer.baseAddress, allocated: 0)
      defer { fuse_opt_free_args(&arguments) }
      return fuse_session_new(&arguments, &table, MemoryLayout<fuse_lowlevel_ops>.size, context)
    }
  }

  /// Agrees with the kernel on what it does by itself.
  private static func prepare(_ connection: UnsafeMutablePointer<fuse_conn_info>?) {
    guard let connection else { return }
    // Nobody changes what is below, so what the kernel has of a file stays good when its times change.
    connection.pointee.want &= ~UInt32(FUSE_CAP_AUTO_INVAL_DATA)
    connection.pointee.max_background = threads / 2
    connection.pointee.congestion_threshold = threads / 2
  }

  /// Answers until the mount is gone, for everyone. Blocks.
  public func serve() -> Int32 {
    guard let configuration = fuse_loop_cfg_create() else { return -ENOMEM }
    defer { fuse_loop_cfg_destroy(configuration) }
    fuse_loop_cfg_set_max_threads(configuration, Self.threads)
    fuse_loop_cfg_set_idle_threads(configuration, 16)
    return fuse_session_loop_mt(session, configuration)
  }

  /// Makes the kernel ask us again for what it has cached of files' content. May wait for operations that are under way.
  public func dropCaches() {
    for number in files.nodes.numbers {
      // Refused for what it has nothing of.
      _ = fuse_lowlevel_notify_inval_inode(session, number, 0, 0)
    }
  }

  /// After the loop.
  public func close() {
    fuse_session_unmount(session)
    fuse_session_destroy(session)
    Unmanaged.passUnretained(files).release()
  }
}
