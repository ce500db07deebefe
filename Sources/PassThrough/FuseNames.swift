internal import CFuse
internal import CKernel
internal import Glibc
internal import Support

/// Operations on names: those that look one up, make one, change or remove one.
enum FuseNames {
  static func install(in table: inout fuse_lowlevel_ops) {
    table.lookup = { request, parent, name in FuseNames.lookup(FuseRequest(request), parent, text(name)) }
    table.forget = { request, number, count in
      FuseRequest(request).files.nodes.forget(number, count)
      fuse_reply_none(request)
    }
    table.mkdir = { request, parent, name, mode in
      FuseNames.make(FuseRequest(request), .mkdir, parent, text(name)) { mkdirat($0, $1, mode) }
    }
    table.mknod = { request, parent, name, mode, device in
      FuseNames.make(FuseRequest(request), .create, parent, text(name)) { mknodat($0, $1, mode, device) }
    }
    table.symlink = { request, target, parent, name in
      let target = text(target)
      FuseNames.make(FuseRequest(request), .symlink, parent, text(name)) { symlinkat(target, $0, $1) }
    }
    table.link = { request, number, parent, name in
      FuseNames.link(FuseRequest(request), number, parent, text(name))
    }
    table.unlink = { request, parent, name in
      FuseNames.remove(FuseRequest(request), .unlink, parent, text(name), flags: 0)
    }
    table.rmdir = { request, parent, name in
      FuseNames.remove(FuseRequest(request), .rmdir, parent, text(name), flags: AT_REMOVEDIR)
    }
    table.rename = { request, parent, name, newParent, newName, flags in
      FuseNames.rename(FuseRequest(request), (parent, text(name)), (newParent, text(newName)), flags)
    }
    table.readlink = { request, number in FuseNames.readLink(FuseRequest(request), number) }
  }

  private static func lookup(_ request: FuseRequest, _ parent: UInt64, _ name: String) {
    if parent == FileNodes.root, name == FuseStateFile.name {
      request.answer(FuseStateFile.entry(request.files))
      return
    }
    let files = request.files
    switch files.gate.pass(.lookup, bytes: 0, paths: { [files.nodes.path(parent, name)] }) {
    case .fail(let number): request.answer(number)
    case .perform, .tear, .pretend:
      switch entry(files, files.nodes.descriptor(parent), name) {
      case .success(let entry): request.answer(entry)
      case .failure(let failure): request.answer(failure.number)
      }
    }
  }

  /// Looks a name up for the kernel, which owes us a `forget` from then on.
  static func entry(
    _ files: ServedFiles, _ directory: Int32, _ name: String
  ) -> Result<fuse_entry_param, SystemError> {
    let descriptor = openat(directory, name, bs_flag_path() | O_NOFOLLOW | O_CLOEXEC)
    guard descriptor >= 0 else { return .failure(SystemError("openat")) }
    var information = stat()
    guard fstat(descriptor, &information) == 0 else {
      let failure = SystemError("fstat")
      close(descriptor)
      return .failure(failure)
    }
    var entry = fuse_entry_param()
    entry.attr = information
    entry.ino = files.nodes.found(descriptor, information)
    let keep = FuseAttributes.keepSeconds(files)
    entry.attr_timeout = keep
    entry.entry_timeout = keep
    return .success(entry)
  }

  private static func make(
    _ request: FuseRequest, _ operation: FileOperation, _ parent: UInt64, _ name: String,
    _ call: (Int32, String) -> Int32
  ) {
    let (files, owner) = (request.files, request.owner)
    let number = files.perform(operation, in: parent, name) { directory in
      guard call(directory, name) == 0 else { return -1 }
      return files.give(name, in: directory, to: owner)
    }
    guard number == 0 else { return request.answer(number) }
    switch entry(files, files.nodes.descriptor(parent), name) {
    case .success(let entry): request.answer(entry)
    case .failure(let failure): request.answer(failure.number)
    }
  }

  private static func link(_ request: FuseRequest, _ source: UInt64, _ parent: UInt64, _ name: String) {
    let files = request.files
    let number = files.perform(.link, in: parent, name) { directory in
      linkat(AT_FDCWD, files.link(source), directory, name, AT_SYMLINK_FOLLOW)
    }
    guard number == 0 else { return request.answer(number) }
    switch entry(files, files.nodes.descriptor(parent), name) {
    case .success(let entry): request.answer(entry)
    case .failure(let failure): request.answer(failure.number)
    }
  }

  private static func remove(
    _ request: FuseRequest, _ operation: FileOperation, _ parent: UInt64, _ name: String, flags: Int32
  ) {
    request.answer(request.files.perform(operation, in: parent, name) { unlinkat($0, name, flags) })
  }

  private static func rename(
    _ request: FuseRequest, _ old: (parent: UInt64, name: String), _ new: (parent: UInt64, name: String),
    _ flags: UInt32
  ) {
    let nodes = request.files.nodes
    request.answer(
      request.files.perform(
        .rename, paths: { [nodes.path(old.parent, old.name), nodes.path(new.parent, new.name)] }
      ) {
        bs_renameat2(nodes.descriptor(old.parent), old.name, nodes.descriptor(new.parent), new.name, flags)
      })
  }

  private static func readLink(_ request: FuseRequest, _ number: UInt64) {
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = readlinkat(request.files.nodes.descriptor(number), "", &buffer, buffer.count)
    guard count >= 0 else { return request.answer(errno) }
    request.answer(link: String(decoding: buffer[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self))
  }
}

/// Outside of the type, for a function that C calls can have no context.
private func text(_ name: UnsafePointer<CChar>?) -> String {
  guard let name else { preconditionFailure("libfuse calls without a name") }
  return String(cString: name)
}
