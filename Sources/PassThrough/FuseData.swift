internal import CFuse
internal import CKernel
internal import Glibc
internal import Support

/// Operations on open files and directories.
enum FuseData {
  static func install(in table: inout fuse_lowlevel_ops) {
    table.open = { request, number, file in FuseData.open(FuseRequest(request), number, value(file)) }
    table.create = { request, parent, name, mode, file in
      guard let name else { preconditionFailure("libfuse creates without a name") }
      FuseData.create(FuseRequest(request), parent, String(cString: name), mode, value(file))
    }
    table.read = { request, number, size, offset, file in
      FuseData.read(FuseRequest(request), number, size, offset, value(file))
    }
    table.write_buf = { request, _, source, offset, file in
      guard let source else { preconditionFailure("libfuse writes nothing") }
      FuseData.write(FuseRequest(request), source, offset, Int32(value(file).fh))
    }
    table.release = { request, number, file in
      // What close() says here was already said by fsync, or by nobody.
      if number != FuseStateFile.number { close(Int32(value(file).fh)) }
      FuseRequest(request).answer(0)
    }
    table.fsync = { request, _, dataOnly, file in
      FuseData.sync(FuseRequest(request), Int32(value(file).fh), dataOnly)
    }
    table.fallocate = { request, _, mode, offset, length, file in
      let (request, descriptor) = (FuseRequest(request), Int32(value(file).fh))
      request.answer(
        request.files.perform(.fallocate, open: descriptor) { bs_fallocate(descriptor, mode, offset, length) })
    }
    table.lseek = { request, _, offset, whence, file in
      let request = FuseRequest(request)
      let place = lseek(Int32(value(file).fh), offset, whence)
      place < 0 ? request.answer(errno) : request.answer(place: place)
    }
    installDirectories(in: &table)
  }

  private static func installDirectories(in table: inout fuse_lowlevel_ops) {
    table.opendir = { request, number, file in FuseData.openDirectory(FuseRequest(request), number, value(file)) }
    table.readdir = { request, _, size, offset, file in
      FuseData.list(FuseRequest(request), Int(offset), size, value(file).fh)
    }
    table.releasedir = { request, _, file in
      let (request, handle) = (FuseRequest(request), value(file).fh)
      request.files.forgetListing(handle)
      close(Int32(handle))
      request.answer(0)
    }
    table.fsyncdir = { request, _, dataOnly, file in
      FuseData.sync(FuseRequest(request), Int32(value(file).fh), dataOnly)
    }
  }

  /// Flags for the file below. Where to append, the kernel says with each write; past the page cache goes what our caller
  /// has open, not we: our buffers are not aligned.
  private static func flags(_ file: fuse_file_info) -> Int32 {
    (file.flags & ~(O_APPEND | bs_flag_direct() | O_NOFOLLOW | O_CREAT | O_EXCL)) | O_CLOEXEC
  }

  private static func opened(_ file: fuse_file_info, _ descriptor: Int32) -> fuse_file_info {
    var file = file
    file.fh = UInt64(descriptor)
    // Nobody changes what is below behind the kernel's back.
    file.keep_cache = 1
    file.direct_io = file.flags & bs_flag_direct() != 0 ? 1 : 0
    return file
  }

  private static func open(_ request: FuseRequest, _ number: UInt64, _ file: fuse_file_info) {
    if number == FuseStateFile.number { return FuseStateFile.open(request, file) }
    let files = request.files
    if file.flags & O_TRUNC != 0 {
      let failure = files.perform(.truncate, number) { _ in 0 }
      guard failure == 0 else { return request.answer(failure) }
    }
    var descriptor: Int32 = -1
    let failure = files.perform(.open, number) { _ in
      descriptor = Glibc.open(files.link(number), flags(file))
      return descriptor < 0 ? -1 : 0
    }
    guard failure == 0 else { return request.answer(failure) }
    request.answer(opened: opened(file, descriptor))
  }

  private static func create(
    _ request: FuseRequest, _ parent: UInt64, _ name: String, _ mode: mode_t, _ file: fuse_file_info
  ) {
    let (files, owner) = (request.files, request.owner)
    var descriptor: Int32 = -1
    let failure = files.perform(.create, in: parent, name) { directory in
      descriptor = openat(directory, name, flags(file) | O_CREAT | O_EXCL, mode)
      if descriptor >= 0 { return files.give(open: descriptor, in: directory, to: owner) }
      guard errno == EEXIST, file.flags & O_EXCL == 0 else { return -1 }
      // Somebody was faster: it is theirs.
      descriptor = openat(directory, name, flags(file) | O_NOFOLLOW)
      return descriptor < 0 ? -1 : 0
    }
    guard failure == 0 else {
      if descriptor >= 0 { close(descriptor) }
      return request.answer(failure)
    }
    switch FuseNames.entry(files, files.nodes.descriptor(parent), name) {
    case .success(let entry): request.answer(entry, created: opened(file, descriptor))
    case .failure(let failure):
      close(descriptor)
      request.answer(failure.number)
    }
  }

  private static func read(
    _ request: FuseRequest, _ number: UInt64, _ size: Int, _ offset: off_t, _ file: fuse_file_info
  ) {
    if number == FuseStateFile.number { return FuseStateFile.read(request, size: size, at: offset) }
    let descriptor = Int32(file.fh)
    let failure = request.files.perform(.read, open: descriptor) { 0 }
    guard failure == 0 else { return request.answer(failure) }
    request.answer(bytes: size, of: descriptor, at: offset)
  }

  private static func write(
    _ request: FuseRequest, _ source: UnsafeMutablePointer<fuse_bufvec>, _ offset: off_t, _ descriptor: Int32
  ) {
    let files = request.files
    let size = fuse_buf_size(source)
    let paths = { [files.nodes.path(ofDescriptor: descriptor)] }
    var outcome = files.gate.pass(.write, bytes: size, paths: paths)
    if outcome == .perform, isMade(longerBy: offset + off_t(size), descriptor) {
      outcome = files.gate.pass(.extend, bytes: size, paths: paths)
    }
    switch outcome {
    case .fail(let number): request.answer(number)
    case .perform, .pretend:
      let written = copy(source, to: descriptor, at: offset, size)
      written < 0 ? request.answer(Int32(-written)) : request.answer(written: written)
    case .tear(let keep, let number):
      let written = keep == 0 ? 0 : tear(source, keep, to: descriptor, at: offset)
      if written < 0 { return request.answer(Int32(-written)) }
      if let number { return request.answer(number) }
      request.answer(written: size)
    }
  }

  /// Whether a write up to `end` makes the file longer.
  private static func isMade(longerBy end: off_t, _ descriptor: Int32) -> Bool {
    var information = stat()
    // One that cannot be asked says so again when it is written to.
    return fstat(descriptor, &information) == 0 && end > information.st_size
  }

  /// - Returns: how many bytes were written, or a negative errno.
  private static func copy(
    _ source: UnsafeMutablePointer<fuse_bufvec>, to descriptor: Int32, at offset: off_t, _ size: Int
  ) -> Int {
    var target = fuse_bufvec.one(size)
    target.buf.flags = fuse_buf_flags(FUSE_BUF_IS_FD.rawValue | FUSE_BUF_FD_SEEK.rawValue)
    target.buf.fd = descriptor
    target.buf.pos = offset
    return fuse_buf_copy(&target, source, fuse_buf_copy_flags(0))
  }

  /// Writes only the front. What stays in the request is drained by libfuse.
  private static func tear(
    _ source: UnsafeMutablePointer<fuse_bufvec>, _ keep: Int, to descriptor: Int32, at offset: off_t
  ) -> Int {
    var bytes = [UInt8](repeating: 0, count: fuse_buf_size(source))
    return bytes.withUnsafeMutableBytes { memory -> Int in
      var whole = fuse_bufvec.one(memory.count)
      whole.buf.mem = memory.baseAddress
      let read = fuse_buf_copy(&whole, source, fuse_buf_copy_flags(0))
      guard read >= 0 else { return read }
      let written = pwrite(descriptor, memory.baseAddress, min(keep, read), offset)
      return written < 0 ? -Int(errno) : written
    }
  }

  private static func sync(_ request: FuseRequest, _ descriptor: Int32, _ dataOnly: Int32) {
    request.answer(
      request.files.perform(dataOnly != 0 ? .fdatasync : .fsync, open: descriptor) {
        dataOnly != 0 ? fdatasync(descriptor) : fsync(descriptor)
      })
  }

  private static func openDirectory(_ request: FuseRequest, _ number: UInt64, _ file: fuse_file_info) {
    let files = request.files
    var descriptor: Int32 = -1
    let failure = files.perform(.open, number) { directory in
      descriptor = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
      return descriptor < 0 ? -1 : 0
    }
    guard failure == 0 else { return request.answer(failure) }
    var file = file
    file.fh = UInt64(descriptor)
    request.answer(opened: file)
  }

  private static func list(_ request: FuseRequest, _ place: Int, _ size: Int, _ handle: UInt64) {
    let files = request.files
    let failure = files.perform(.readdir, open: Int32(handle)) { 0 }
    guard failure == 0 else { return request.answer(failure) }
    if place == 0 {
      let failure = files.list(open: Int32(handle), as: handle)
      guard failure == 0 else { return request.answer(failure) }
    }
    request.answer(files.entries(of: handle, from: place), size: size)
  }
}

/// Outside of the type, for a function that C calls can have no context.
private func value(_ file: UnsafeMutablePointer<fuse_file_info>?) -> fuse_file_info {
  guard let file else { preconditionFailure("libfuse calls without an open file") }
  return file.pointee
}
