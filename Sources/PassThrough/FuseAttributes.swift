internal import CFuse
internal import CKernel
internal import Glibc
internal import Support

/// Operations on what is known about files.
enum FuseAttributes {
  static func install(in table: inout fuse_lowlevel_ops) {
    table.getattr = { request, number, _ in FuseAttributes.get(FuseRequest(request), number) }
    table.setattr = { request, number, wanted, which, file in
      guard let wanted else { preconditionFailure("libfuse sets no attributes") }
      FuseAttributes.set(FuseRequest(request), number, wanted.pointee, which, file.map { Int32($0.pointee.fh) })
    }
    table.statfs = { request, number in
      let request = FuseRequest(request)
      var room = statvfs()
      let failure = request.files.perform(.statfs, number) { fstatvfs($0, &room) }
      failure == 0 ? request.answer(room) : request.answer(failure)
    }
  }

  /// How long the kernel may keep what it was told of a file: nobody but it changes what is below.
  static func keepSeconds(_ files: ServedFiles) -> Double { files.gate.keepsMetadata ? 1 : 0 }

  private static func get(_ request: FuseRequest, _ number: UInt64) {
    let files = request.files
    if number == FuseStateFile.number { return request.answer(FuseStateFile.entry(files).attr, keep: 0) }
    var information = stat()
    let failure = files.perform(.getattr, number) { fstat($0, &information) }
    guard failure == 0 else { return request.answer(failure) }
    request.answer(information, keep: keepSeconds(files))
  }

  private static func set(
    _ request: FuseRequest, _ number: UInt64, _ wanted: stat, _ which: Int32, _ open: Int32?
  ) {
    let files = request.files
    if which & FUSE_SET_ATTR_SIZE != 0 {
      let failure = files.perform(.truncate, number) { _ in
        if let open { return ftruncate(open, wanted.st_size) }
        return truncate(files.link(number), wanted.st_size)
      }
      guard failure == 0 else { return request.answer(failure) }
    }
    if which & ~FUSE_SET_ATTR_SIZE != 0 {
      let failure = files.perform(.setattr, number) { setRest($0, files.link(number), wanted, which) }
      guard failure == 0 else { return request.answer(failure) }
    }
    var information = stat()
    guard fstat(files.nodes.descriptor(number), &information) == 0 else { return request.answer(errno) }
    request.answer(information, keep: keepSeconds(files))
  }

  private static func setRest(_ descriptor: Int32, _ link: String, _ wanted: stat, _ which: Int32) -> Int32 {
    if which & (FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID) != 0 {
      let user = which & FUSE_SET_ATTR_UID != 0 ? wanted.st_uid : UInt32.max
      let group = which & FUSE_SET_ATTR_GID != 0 ? wanted.st_gid : UInt32.max
      guard fchownat(descriptor, "", user, group, emptyPath | AT_SYMLINK_NOFOLLOW) == 0 else { return -1 }
    }
    // After the owner, whose change takes the set-user-id bit away.
    if which & FUSE_SET_ATTR_MODE != 0, chmod(link, wanted.st_mode & 0o7777) != 0 { return -1 }
    if which & (FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME) != 0 {
      let times = [
        time(wanted.st_atim, which, FUSE_SET_ATTR_ATIME, now: FUSE_SET_ATTR_ATIME_NOW),
        time(wanted.st_mtim, which, FUSE_SET_ATTR_MTIME, now: FUSE_SET_ATTR_MTIME_NOW),
      ]
      guard utimensat(descriptor, "", times, emptyPath) == 0 else { return -1 }
    }
    return 0
  }

  /// AT_EMPTY_PATH, the descriptor itself (linux/fcntl.h).
  private static let emptyPath: Int32 = 0x1000

  private static func time(_ wanted: timespec, _ which: Int32, _ set: Int32, now: Int32) -> timespec {
    if which & now != 0 { return timespec(tv_sec: 0, tv_nsec: (1 << 30) - 1) }  // UTIME_NOW
    return which & set != 0 ? wanted : timespec(tv_sec: 0, tv_nsec: (1 << 30) - 2)  // UTIME_OMIT
  }
}

/// Extended attributes, for those who ask for them: the kernel then asks for one before every single write.
enum FuseExtendedAttributes {
  static func install(in table: inout fuse_lowlevel_ops) {
    table.getxattr = { request, number, name, size in
      FuseExtendedAttributes.read(FuseRequest(request), number, size) { link, buffer, room in
        bs_getxattr(link, name, buffer, room)
      }
    }
    table.listxattr = { request, number, size in
      FuseExtendedAttributes.read(FuseRequest(request), number, size) { link, buffer, room in
        bs_listxattr(link, buffer?.assumingMemoryBound(to: CChar.self), room)
      }
    }
    table.setxattr = { request, number, name, value, size, flags in
      let request = FuseRequest(request)
      let link = request.files.link(number)
      request.answer(request.files.perform(.setxattr, number) { _ in bs_setxattr(link, name, value, size, flags) })
    }
    table.removexattr = { request, number, name in
      let request = FuseRequest(request)
      let link = request.files.link(number)
      request.answer(request.files.perform(.setxattr, number) { _ in bs_removexattr(link, name) })
    }
  }

  private static func read(
    _ request: FuseRequest, _ number: UInt64, _ size: Int,
    _ call: (String, UnsafeMutableRawPointer?, Int) -> Int
  ) {
    var buffer = [UInt8](repeating: 0, count: size)
    var count = 0
    let failure = request.files.perform(.getxattr, number) { _ in
      let link = request.files.link(number)
      count = size == 0 ? call(link, nil, 0) : buffer.withUnsafeMutableBytes { call(link, $0.baseAddress, size) }
      return count < 0 ? -1 : 0
    }
    if failure != 0 { return request.answer(failure) }
    size == 0 ? request.answer(bytesOfAttribute: count) : request.answer(Array(buffer[..<count]))
  }
}
