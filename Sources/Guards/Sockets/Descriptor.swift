internal import CKernel
internal import Glibc
internal import Support

/// A file descriptor with one owner, closed with it.
final class Descriptor: Sendable {
  let number: Int32

  init(_ number: Int32) { self.number = number }

  /// Opens a file.
  static func open(_ path: String, _ flags: Int32, mode: UInt32 = 0) throws(SystemError) -> Descriptor {
    let number = bs_open(path, flags, mode)
    guard number >= 0 else { throw SystemError("open", path) }
    return Descriptor(number)
  }

  deinit { close(number) }
}
