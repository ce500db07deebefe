internal import CKernel
internal import Glibc

/// A network namespace, held open by a file descriptor of ours that no child process inherits.
///
/// While the object lives the namespace lives, even if its name is deleted. No thread of ours ever changes its
/// namespace: what must run inside does so on a short-lived thread of its own.
public final class NetworkNamespace: Sendable {
  /// Where names live, as `ip netns` has it.
  public static let directory = "/run/netns"

  /// The name it was opened by, `nil` for one opened by process or as the current one.
  public let name: String?
  /// The open file of the namespace. It is closed when this object goes away.
  public let fileDescriptor: Int32
  /// Device and inode of the namespace: equal for two objects of one namespace.
  public let identity: Identity

  /// What tells namespaces apart.
  public struct Identity: Sendable, Hashable {
    /// Device of the nsfs.
    public var device: UInt64
    /// Inode on it.
    public var inode: UInt64
  }

  private init(name: String?, path: String, object: NetlinkObject) throws(NetlinkError) {
    let fd = bs_open(path, O_RDONLY, 0)
    guard fd >= 0 else { throw .last("open", object, namespace: name) }
    var device: UInt64 = 0
    var inode: UInt64 = 0
    guard bs_identity(fd, &device, &inode) == 0 else {
      let failure = NetlinkError.last("fstat", object, namespace: name)
      close(fd)
      throw failure
    }
    self.name = name
    fileDescriptor = fd
    identity = Identity(device: device, inode: inode)
  }

  deinit {
    close(fileDescriptor)
  }

  /// Makes a namespace with a name under `/run/netns` and brings its loopback interface up.
  ///
  /// - Throws: ``NetlinkError`` with EEXIST if the name is taken; nothing is left behind then.
  public static func create(named name: String) throws(NetlinkError) -> NetworkNamespace {
    let object = NetlinkObject.namespace(name)
    let path = try path(of: name)
    try prepareDirectory(object)
    let fd = bs_open(path, O_RDONLY | O_CREAT | O_EXCL, 0o444)
    guard fd >= 0 else { throw .last("create", object) }
    close(fd)
    do {
      // The errand's thread ends right after; only the bind mount keeps the new namespace alive.
      try current().run {
        guard bs_unshare_net() == 0 else { throw NetlinkError.last("unshare", object) }
        guard bs_bind_mount("/proc/thread-self/ns/net", path) == 0 else { throw NetlinkError.last("mount", object) }
      }
      let namespace = try open(named: name)
      let links = try LinkController(in: namespace)
      defer { links.close() }
      try links.setUp("lo")
      return namespace
    } catch {
      let cause = error as? NetlinkError ?? NetlinkError(.incomplete("\(error)"), call: "create", object: object)
      bs_unmount(path)
      unlink(path)
      throw cause
    }
  }

  /// Makes the directory of names, and a shared mount of it, as ip-netns(8) does when it is first used. If that came after
  /// us it would lay its mount over ours, and names could not be removed below it.
  private static func prepareDirectory(_ object: NetlinkObject) throws(NetlinkError) {
    guard mkdir(directory, 0o755) == 0 || errno == EEXIST else { throw .last("mkdir", object) }
    let fd = bs_open(directory, O_RDONLY | O_DIRECTORY, 0)
    guard fd >= 0 else { throw .last("open", object) }
    defer { close(fd) }
    // One at a time: two mounts of it would hide what was made between them.
    guard flock(fd, LOCK_EX) == 0 else { throw .last("flock", object) }
    guard bs_share_directory(directory) == 0 else { throw .last("mount", object) }
  }

  /// Makes a namespace without a name. It ends with this object and what was opened in it, however the process dies.
  ///
  /// - Throws: ``NetlinkError`` with EPERM without CAP_SYS_ADMIN.
  public static func temporary() throws(NetlinkError) -> NetworkNamespace {
    let object = NetlinkObject.namespace("without a name")
    do {
      // The errand's thread takes its new namespace with it, but for the file that is opened here.
      return try current().run {
        guard bs_unshare_net() == 0 else { throw NetlinkError.last("unshare", object) }
        return try current()
      }
    } catch {
      throw error as? NetlinkError ?? NetlinkError(.incomplete("\(error)"), call: "unshare", object: object)
    }
  }

  /// Opens the namespace with this name.
  ///
  /// - Throws: ``NetlinkError``: ENOENT if there is none, `.incomplete` if its maker was killed before it was mounted.
  public static func open(named name: String) throws(NetlinkError) -> NetworkNamespace {
    let path = try path(of: name)
    let namespace = try NetworkNamespace(name: name, path: path, object: .namespace(name))
    guard namespace.identity.device == (try current().identity.device) else {
      throw NetlinkError(
        .incomplete("the file is no namespace: its maker was killed half-way; delete it"), call: "open",
        object: .namespace(name))
    }
    return namespace
  }

  /// Opens the namespace that process `pid` is in.
  public static func open(pid: Int32) throws(NetlinkError) -> NetworkNamespace {
    try NetworkNamespace(name: nil, path: "/proc/\(pid)/ns/net", object: .namespace("of process \(pid)"))
  }

  /// Opens the namespace that process `pid` holds open under the number `descriptor`.
  ///
  /// - Throws: ``NetlinkError``: ENOENT if there is no such process or descriptor, `.incomplete` if it is no namespace.
  public static func open(pid: Int32, descriptor: Int32) throws(NetlinkError) -> NetworkNamespace {
    let object = NetlinkObject.namespace("behind descriptor \(descriptor) of process \(pid)")
    let namespace = try NetworkNamespace(name: nil, path: "/proc/\(pid)/fd/\(descriptor)", object: object)
    guard namespace.identity.device == (try current().identity.device) else {
      throw NetlinkError(.incomplete("the file is no namespace"), call: "open", object: object)
    }
    return namespace
  }

  /// Opens the namespace of the calling thread.
  public static func current() throws(NetlinkError) -> NetworkNamespace {
    try NetworkNamespace(name: nil, path: "/proc/thread-self/ns/net", object: .namespace("of this thread"))
  }

  /// Whether the name is taken, also by a half-made namespace.
  public static func exists(named name: String) throws(NetlinkError) -> Bool {
    access(try path(of: name), F_OK) == 0
  }

  /// All names in use, sorted.
  public static func names() throws(NetlinkError) -> [String] {
    guard let listing = opendir(directory) else {
      if errno == ENOENT { return [] }
      throw .last("opendir", .dump("namespaces"))
    }
    defer { closedir(listing) }
    var names: [String] = []
    while let entry = readdir(listing) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  /// Takes the name away; the namespace ends when its last process, socket and open file are gone.
  ///
  /// Deleting what is not there, or is only half made, succeeds.
  public static func delete(named name: String) throws(NetlinkError) {
    let object = NetlinkObject.namespace(name)
    let path = try path(of: name)
    // Mounts can lie on top of each other if two makers raced; EINVAL says that none is left.
    while bs_unmount(path) == 0 {}
    guard errno == EINVAL || errno == ENOENT else { throw .last("umount2", object) }
    guard unlink(path) == 0 || errno == ENOENT else { throw .last("unlink", object) }
  }

  /// Runs `body` on its own thread inside the namespace and waits for it: for opening sockets, not for long work.
  ///
  /// - Throws: what `body` throws, or ``NetlinkError`` if the namespace cannot be entered; `body` did not run then.
  public func run<T>(_ body: () throws -> T) throws -> T {
    var outcome: Result<T, any Error>?
    let failure = withoutActuallyEscaping(body) { body in
      let errand = Errand { outcome = Result { try body() } }
      return bs_run_in_netns(fileDescriptor, performErrand, Unmanaged.passUnretained(errand).toOpaque())
    }
    guard failure == 0 else {
      throw NetlinkError(
        .refused(errno: failure), call: "setns", object: .namespace(name ?? "of descriptor \(fileDescriptor)"))
    }
    guard let outcome else { preconditionFailure("the errand's thread ended without an outcome") }
    return try outcome.get()
  }

  /// Moves the calling thread into the namespace for good: only for a thread that was made for it.
  public func enter() throws(NetlinkError) {
    guard bs_setns_net(fileDescriptor) == 0 else {
      throw .last("setns", .namespace(name ?? "of descriptor \(fileDescriptor)"))
    }
  }

  /// The path of a name, once the name is found usable.
  private static func path(of name: String) throws(NetlinkError) -> String {
    func bad(_ why: String) -> NetlinkError {
      NetlinkError(.badName(why), call: "check", object: .namespace(name))
    }
    guard !name.isEmpty else { throw bad("it is empty") }
    guard name.utf8.count <= 200 else { throw bad("it is longer than 200 bytes") }
    guard name != ".", name != ".." else { throw bad("it is a directory") }
    let allowed = name.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
        true
      default: false
      }
    }
    guard allowed else { throw bad("only letters, digits, '-', '_' and '.' are allowed") }
    return "\(directory)/\(name)"
  }
}

/// A closure on its way to another thread. The sender is blocked until it has run.
private final class Errand {
  let body: () -> Void

  init(_ body: @escaping () -> Void) {
    self.body = body
  }
}

/// Runs on the errand's own thread, inside the namespace.
private func performErrand(_ context: UnsafeMutableRawPointer?) {
  guard let context else { preconditionFailure("an errand without context") }
  Unmanaged<Errand>.fromOpaque(context).takeUnretainedValue().body()
}
