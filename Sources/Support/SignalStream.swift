internal import CKernel
internal import Dispatch
internal import Glibc

/// Turns `signals` into a stream of their numbers. When this returns, none of them ends the process any more.
///
/// A handler of our own and a pipe, not a signal source of libdispatch: that one was seen to lose a SIGINT on a busy machine,
/// and a drill that cannot be stopped is none. Call it once in a process; the handlers stay to its end.
///
/// - Throws: ``SystemError``; the signals may then still end the process.
public func signalStream(_ signals: [Int32]) throws(SystemError) -> AsyncStream<Int32> {
  let descriptor = bs_signal_pipe(signals, Int32(signals.count))
  guard descriptor >= 0 else { throw SystemError("sigaction") }
  let (stream, continuation) = AsyncStream.makeStream(of: Int32.self)
  // proof: set up here before anybody else has it, then only cancelled, which libdispatch allows from any thread
  nonisolated(unsafe) let source = DispatchSource.makeReadSource(fileDescriptor: descriptor, queue: .global())
  source.setEventHandler {
    var bytes = [UInt8](repeating: 0, count: 64)
    let count = read(descriptor, &bytes, bytes.count)
    for byte in bytes.prefix(max(0, count)) { continuation.yield(Int32(byte)) }
  }
  // The stream keeps its source. The pipe stays open, for the handlers stay too.
  continuation.onTermination = { _ in source.cancel() }
  source.activate()
  return stream
}
