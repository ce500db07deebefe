internal import Support

/// The way from one client's connection to the registry: at most one connection, kept between requests.
struct RegistryUpstream {
  let settings: RegistrySettings
  let tls: GuardTLS?
  let bell: StopBell
  let timebase: Timebase
  private var kept: HTTPStream?

  init(settings: RegistrySettings, tls: GuardTLS?, bell: StopBell, timebase: Timebase) {
    self.settings = settings
    self.tls = tls
    self.bell = bell
    self.timebase = timebase
  }

  /// Keeps a connection whose answer has been read to its end.
  mutating func keep(_ link: HTTPStream) { kept = link }

  /// Sends a request to the registry and reads the head of its answer. What only reads may go over a connection that stood, and
  /// once more over a fresh one if that had been closed; a write goes over a fresh one, once.
  mutating func exchange(
    _ bytes: [UInt8], isRead: Bool, until deadline: Int64
  ) throws(StreamFailure) -> (HTTPStream, HTTPResponseHead) {
    let kept = kept
    self.kept = nil
    if isRead, let kept, !kept.isStale {
      do throws(StreamFailure) { return (kept, try ask(kept, bytes, until: deadline)) } catch {
        guard error == .closed else { throw error }
      }
    }
    let fresh = try HTTPStream.connect(
      to: settings.upstream, host: settings.upstreamName, tls,
      until: min(deadline, timebase.monotonic() + settings.limits.connect.nanoseconds), bell, timebase)
    return (fresh, try ask(fresh, bytes, until: deadline))
  }

  private func ask(
    _ link: HTTPStream, _ bytes: [UInt8], until deadline: Int64
  ) throws(StreamFailure) -> HTTPResponseHead {
    try link.send(bytes, until: deadline)
    while true {
      var searched = 0
      while true {
        if let end = headEnd(link.buffer[...], from: searched) {
          let head: HTTPResponseHead
          do throws(HTTPDefect) { head = try HTTPResponseHead(link.buffer[..<end]) } catch { throw .closed }
          link.buffer.removeFirst(end)
          if head.status >= 200 || head.status == 101 { return head }
          break  // an interim answer
        }
        if link.buffer.count > 64 << 10 { throw .closed }
        searched = link.buffer.count
        if try !link.fill(until: deadline) { throw .closed }
      }
    }
  }
}
