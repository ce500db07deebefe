internal import CKernel
internal import Dispatch
internal import Glibc
internal import PassThrough
public import Support
internal import Synchronization

/// The process behind one prepared directory: mounts it, answers the kernel, and takes rules from the process that
/// started it. When that is gone it is plain again, unmounts for new uses, and ends with the last open file.
public enum PassThroughServer {
  /// Makes this process one that a file system can rest on: hard to end by accident, with room for many open files, with
  /// exact timers, and never asking for memory that writing to its own mount would have to make free.
  public static func prepareProcess() {
    Guardian.shieldProcess()
    umask(0)
    var limit = rlimit(rlim_cur: 1 << 20, rlim_max: 1 << 20)
    if setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) != 0 {
      getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
      limit.rlim_cur = limit.rlim_max
      setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
    // Refused where the rights are lacking; it then serves less exactly.
    _ = bs_set_io_flusher()
    _ = bs_set_timer_slack(1)
  }

  /// Serves until nobody uses the mount any more. Blocks: call it on a thread of your own.
  ///
  /// - Parameters:
  ///   - descriptor: the connection to the process that started it, which is taken over.
  ///   - directory: what is prepared: an absolute path without links, which is mounted over itself.
  ///   - source: its name in the table of mounts.
  /// - Returns: whether it was mounted.
  /// - Throws: ``Problem`` (usage) when `descriptor` is no such connection.
  public static func serve(
    descriptor: Int32, directory: String, source: String, keepsExtendedAttributes: Bool,
    timebase: Timebase = .system
  ) throws -> Bool {
    guard GuardianChannel.isConnection(descriptor) else {
      throw Problem(.usage, "a pass-through is started by the process that it serves, never by hand; nothing was done")
    }
    let channel = GuardianChannel(descriptor)
    let gate = PassThroughGate(timebase: timebase)
    let mount: FuseMount
    do {
      mount = try FuseMount(
        directory, on: directory, source: source, keepsExtendedAttributes: keepsExtendedAttributes, gate: gate)
    } catch {
      _ = try channel.send(PassThroughReply.failed("\(error)"))
      return false
    }
    let control = PassThroughControl(
      channel: channel, gate: gate, mount: mount, place: MountedPlace(path: directory, source: source))
    let thread = try HolderThread(
      "control", timebase: timebase, make: { control }, tick: { $0.next() ? 0 : nil })
    _ = mount.serve()
    // Whoever cut the connection at the kernel left a mount that answers nothing.
    _ = try? control.place.unmount(lazily: true)
    mount.close()
    control.finish()
    withExtendedLifetime(thread) {}
    return true
  }
}

/// The control connection's side of the process.
private final class PassThroughControl: Sendable {
  private let channel: GuardianChannel
  private let gate: PassThroughGate
  private let mount: FuseMount
  let place: MountedPlace
  /// Held while a message is answered.
  private let isAnswering = Mutex<Void>(())

  init(channel: GuardianChannel, gate: PassThroughGate, mount: FuseMount, place: MountedPlace) {
    self.channel = channel
    self.gate = gate
    self.mount = mount
    self.place = place
    tell(.ready)
  }

  /// Waits for one message and does what it says.
  ///
  /// - Returns: false when there can be no other.
  func next() -> Bool {
    switch channel.receive(PassThroughMessage.self, milliseconds: nil) {
    case .message(let message): isAnswering.withLock { _ in handle(message) }
    case .unreadable(let why): tell(.failed("unreadable message: \(why)"))
    case .nothing: break
    case .closed:
      _ = gate.disarm()
      // Open files stay good; whoever opens one from now on has the one below.
      _ = try? place.unmount(lazily: true)  // what is left is for the guardian and recover
      return false
    }
    return true
  }

  /// Waits until the message that is being answered, which may be the one that ends it all, has its reply.
  func finish() { isAnswering.withLock { _ in } }

  private func handle(_ message: PassThroughMessage) {
    switch message {
    case .arm(let fault, let rules, let seed, let until):
      gate.arm(fault, rules, seed: seed, until: until)
      tell(.armed)
      // What the page cache has would be read without us. Elsewhere, for it waits for operations that we make wait.
      if rules.contains(where: { $0.operations.contains(.read) }) {
        DispatchQueue.global().async { [mount] in mount.dropCaches() }
      }
    case .prolong(let until): tell(.prolonged(gate.prolong(until: until)))
    case .disarm: tell(.disarmed(gate.disarm()))
    case .state: tell(.state(gate.snapshot))
    case .unmount(let lazily):
      do {
        try place.unmount(lazily: lazily)
        tell(.unmounted)
      } catch {
        tell(.busy("\(error)"))
      }
    }
  }

  private func tell(_ reply: PassThroughReply) {
    // One that cannot be sent is for somebody who is gone, which the next receiving finds out.
    _ = try? channel.send(reply)
  }
}
