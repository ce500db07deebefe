internal import CKernel
internal import Dispatch
internal import Glibc
public import Netlink
public import Support
internal import Synchronization

/// Holds packets back that a rule queues to it: latency, jitter, reordering and exact loss without any queueing
/// discipline, on every kernel that has packet queues.
///
/// The packets stay in the kernel; only their numbers come here, to one thread of its own that decides when each goes on.
/// Bandwidth is not its job.
///
/// When this process dies, the rule's *bypass* lets everything pass from then on, and what was held is lost. When it is
/// stopped, the kernel's queue fills, and what does not fit passes. On ``close()`` nothing is lost.
///
/// The kernel drops everything that all queues of a namespace hold whenever a base chain is removed there, by anybody. So
/// ``close()`` a line before its own rules are removed, and ``releaseHeld()`` lines that stay before others are.
public final class DelayLine: Sendable {
  /// The number that a rule queues to.
  public let queueNumber: UInt16
  /// What the line does.
  public let settings: Settings
  private let thread: HolderThread<LineEngine>
  private let engine: LineEngine
  /// In the opener's table of descriptors; the line's thread has it in its own as well.
  private let bell: Mutex<Int32?>

  /// Opens a queue and starts the line's thread. Nothing happens to any packet until a rule queues it.
  ///
  /// - Parameters:
  ///   - settings: what the line does.
  ///   - name: of its thread, cut at 15 bytes.
  ///   - namespace: where; `nil` for the namespace that the calling thread is in.
  ///   - timebase: its clock, which must be the kernel's monotonic one: the line waits on it.
  /// - Throws: ``NetlinkError`` if the queue cannot be opened, EPERM without CAP_NET_ADMIN; ``SystemError`` if there are no
  ///   descriptors or threads left. Nothing is left behind.
  public init(
    _ settings: Settings, name: String, in namespace: NetworkNamespace? = nil, timebase: Timebase = .system
  ) throws {
    let descriptor = bs_eventfd()
    guard descriptor >= 0 else { throw SystemError("eventfd", name) }
    let found = Found()
    do {
      // Unowned: the last reference must not be given up on a thread where the namespace's descriptor means nothing.
      thread = try HolderThread(
        name, timebase: timebase,
        make: { [unowned namespace] in
          try namespace?.enter()
          // Its sockets end with this thread and no other (see FaultHolder), and no program inherits them.
          guard bs_own_descriptor_table_with(descriptor) == 0 else { throw SystemError("close_range", name) }
          let engine = try LineEngine(settings, bell: descriptor, timebase: timebase)
          found.engine.withLock { $0 = engine }
          return engine
        },
        tick: { $0.work() },
        end: { $0.close() })
    } catch {
      Glibc.close(descriptor)
      throw error
    }
    bell = Mutex(descriptor)
    guard let engine = found.engine.withLock({ $0 }) else { preconditionFailure("a line's thread without an engine") }
    self.engine = engine
    queueNumber = engine.queueNumber
    self.settings = settings
  }

  /// What it has done until now. Never blocks for long.
  public var counters: Counters { engine.counters }

  /// Lets pass at once what is held now. What comes later is held as before.
  ///
  /// From a thread that has the opener's descriptors. It returns when it is done; the line's thread does it, in some 50 µs.
  public func releaseHeld() {
    perform { $0.releaseHeld() }
  }

  /// Ends the line and lets pass what it holds: no packet is lost. From then on a rule that still queues to it bypasses.
  ///
  /// From a thread that has the opener's descriptors. Closing twice is allowed.
  public func close() {
    perform { $0.close() }
    let descriptor = bell.withLock { bell in
      defer { bell = nil }
      return bell
    }
    if let descriptor { Glibc.close(descriptor) }
  }

  private func perform(_ job: @escaping @Sendable (LineEngine) -> Void) {
    let isDone = DispatchSemaphore(value: 0)
    thread.post { engine in
      job(engine)
      isDone.signal()
    }
    ring()
    isDone.wait()
  }

  /// Wakes the line's thread. Without it, it would look at its jobs four times a second.
  private func ring() {
    bell.withLock { bell in
      guard let bell else { return }
      var one: UInt64 = 1
      // Full is rung already.
      _ = write(bell, &one, 8)
    }
  }
}

/// The engine on its way from the thread that made it.
private final class Found: Sendable {
  let engine = Mutex<LineEngine?>(nil)
}
