internal import Glibc

/// The recorder's own operating-system thread: writing blocks, and blocking calls have no place on the cooperative pool.
enum WriterThread {
  static func start(_ core: RecorderCore) throws(HistoryError) {
    var thread = pthread_t()
    // The thread owns this reference until it ends, and frees it in `writerMain`.
    let context = Unmanaged.passRetained(core)
    let result = pthread_create(&thread, nil, writerMain, context.toOpaque())
    guard result == 0 else {
      context.release()
      throw .system(call: "pthread_create", path: "history writer", errno: result)
    }
    // Its end is announced through the recorder's waiters; nobody joins it.
    pthread_detach(thread)
  }
}

/// Runs on the new thread, once.
private func writerMain(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  // Signals are the main thread's business; here they would only interrupt writes.
  var every = sigset_t()
  sigfillset(&every)
  pthread_sigmask(SIG_SETMASK, &every, nil)
  guard let context else { preconditionFailure("the writer thread got no recorder") }
  Unmanaged<RecorderCore>.fromOpaque(context).takeRetainedValue().writeUntilEnded()
  return nil
}
