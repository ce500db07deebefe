internal import Dispatch
internal import Glibc

/// The signals that ask this process to end, as a sequence; from then on they do not end it by themselves.
///
/// - Returns: the sequence, once the kernel delivers to it.
func terminationSignals() async -> AsyncStream<Int32> {
  let (stream, continuation) = AsyncStream.makeStream(of: Int32.self)
  var sources: [any DispatchSourceSignal] = []
  for number in [SIGTERM, SIGINT] {
    signal(number, SIG_IGN)
    let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
    source.setEventHandler { continuation.yield(number) }
    // A signal that came before the registration is complete would be lost to SIG_IGN.
    await withCheckedContinuation { registered in
      source.setRegistrationHandler { registered.resume() }
      source.activate()
    }
    sources.append(source)
  }
  // proof: only cancelled from now on, which libdispatch allows from any thread; the stream keeps them until it ends
  nonisolated(unsafe) let kept = sources
  continuation.onTermination = { _ in for source in kept { source.cancel() } }
  return stream
}
