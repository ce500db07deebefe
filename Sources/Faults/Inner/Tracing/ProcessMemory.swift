internal import CKernel
internal import Glibc
internal import Support

/// The memory of another process, through /proc/PID/mem: pages that are not writable are written all the same, into a copy
/// of the process's own, and their protection stays what it is.
///
/// Opened once it stays with that image of the process: after exec nothing is read or written through it any more.
struct ProcessMemory: ~Copyable {
  let process: ProcessIdentity
  private let descriptor: Int32

  /// - Throws: ``TraceError`` when it is gone or not ours to look into.
  init(of process: ProcessIdentity) throws(TraceError) {
    self.process = process
    descriptor = bs_open("/proc/\(process.pid)/mem", O_RDWR, 0)
    guard descriptor >= 0 else {
      if errno == ENOENT { throw TraceError(.gone, process) }
      if errno == EACCES || errno == EPERM { throw TraceableProcess.refusal(process) }
      throw TraceError.call("open /proc/PID/mem", process)
    }
    do { try TraceableProcess.check(process) } catch {
      close(descriptor)
      throw error
    }
  }

  deinit {
    close(descriptor)
  }

  /// Reads `count` bytes.
  ///
  /// - Throws: ``TraceError``: that is not mapped, or the process has ended or runs another program.
  func read(_ address: UInt64, count: Int) throws(TraceError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    let done = pread(descriptor, &bytes, count, off_t(Int64(bitPattern: address)))
    guard done == count else { throw failure("read", done) }
    return bytes
  }

  /// Writes all of `bytes`.
  ///
  /// - Throws: ``TraceError``; a page's end may lie between what was written and what was not.
  func write(_ address: UInt64, _ bytes: [UInt8]) throws(TraceError) {
    let done = pwrite(descriptor, bytes, bytes.count, off_t(Int64(bitPattern: address)))
    guard done == bytes.count else { throw failure("write", done) }
  }

  /// Writes one word; aligned, no thread ever sees half of it.
  func write(_ address: UInt64, word: UInt64) throws(TraceError) {
    var word = word.littleEndian
    let done = pwrite(descriptor, &word, 8, off_t(Int64(bitPattern: address)))
    guard done == 8 else { throw failure("write", done) }
  }

  private func failure(_ call: String, _ done: Int) -> TraceError {
    // The image that was opened is gone: ended, or replaced by exec.
    if done == 0 { return TraceError(.gone, process) }
    return TraceError.call("\(call) /proc/PID/mem", process, number: done < 0 ? errno : EIO)
  }
}
