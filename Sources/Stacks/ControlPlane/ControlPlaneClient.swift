public import Support

/// What a control plane let a probe know.
public enum ControlPlaneReading: Sendable, Hashable {
  /// Its state.
  case state(ControlPlaneState)
  /// Nothing, and why: it does not run, it hangs, or its answer is none.
  case silent(String)
}

/// Reads a control plane's state from its socket, on a thread of its own; connects again by itself.
public actor ControlPlaneClient {
  private nonisolated let executor: ThreadExecutor
  private let path: String
  private let timebase: Timebase
  private let wake: Wake
  private var reader: LineReader?

  /// The client's own thread.
  public nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  /// Starts the thread; connects with the first ``next(within:)``.
  ///
  /// - Throws: ``SystemError`` when the thread cannot be made.
  public init(path: String, name: String, timebase: Timebase = .system) throws(SystemError) {
    self.path = path
    self.timebase = timebase
    wake = try Wake()
    executor = try ThreadExecutor(name: name)
  }

  /// Waits for the next line: the present state right after connecting, then each change and heartbeat, none left out.
  ///
  /// - Parameter limit: when nothing came for so long, the control plane is silent. Heartbeats come every 200 ms.
  /// - Returns: ``ControlPlaneReading/silent(_:)`` at once when the task is cancelled; without a listener after 50 ms at
  ///   least, so that a loop around this call does not spin.
  public func next(within limit: Duration = .seconds(1)) async -> ControlPlaneReading {
    let deadline = timebase.monotonic() + limit.nanoseconds
    let wake = wake
    return await withTaskCancellationHandler {
      while !Task.isCancelled {
        do throws(SystemError) {
          let reader = try connected()
          switch reader.next(wake: wake, until: deadline, timebase) {
          case .line(let line): return read(line)
          case .timedOut: return .silent("no line within \(limit.brief)")
          case .woken: wake.drain()
          case .ended: self.reader = nil
          }
        } catch {
          pause()
          if timebase.monotonic() >= deadline { return .silent("\(error)") }
        }
      }
      return .silent("the reader was cancelled")
    } onCancel: {
      wake.signal()
    }
  }

  private func connected() throws(SystemError) -> LineReader {
    if let reader { return reader }
    let fresh = try LineReader(path: path)
    reader = fresh
    return fresh
  }

  private func read(_ line: [UInt8]) -> ControlPlaneReading {
    do {
      return .state(try decodeJSON(ControlPlaneState.self, from: line))
    } catch {
      return .silent("not a state: \(String(decoding: line.prefix(80), as: UTF8.self))")
    }
  }

  private func pause() {
    if wait(wake.descriptor, 0, wake: wake, until: timebase.monotonic() + 50_000_000, timebase) == .woken {
      wake.drain()
    }
  }
}
