internal import CKernel
internal import Glibc
internal import PassThrough
internal import Support
internal import Synchronization

/// Is asked by the kernel before the content of files is used, and answers later. Lives on a thread of its own, which must never
/// wait for anything else: whoever uses such a file waits for it.
final class ContentLoop: Sendable {
  /// The most directories that are marked.
  static let mostDirectories = 4096

  private let directory: String
  private let timebase: Timebase
  private let own = getpid()
  private let state: Mutex<State>

  private struct State {
    /// −1 once it is closed.
    var descriptor: Int32
    var decisions: FileDecisions
    var waiting: [(event: Int32, due: Int64)] = []
    var until: Int64
  }

  /// Marks a directory and those in it. From then on whoever opens a file there is subject to it.
  ///
  /// - Throws: `SystemError`; nothing is marked then.
  init(_ latency: ContentLatency, seed: UInt64, until: Int64, timebase: Timebase) throws {
    directory = latency.directory
    self.timebase = timebase
    let descriptor = bs_content_group()
    guard descriptor >= 0 else { throw SystemError("fanotify_init", latency.directory) }
    state = Mutex(State(descriptor: descriptor, decisions: FileDecisions([latency.rule], seed: seed), until: until))
    do {
      for place in try Self.directories(below: latency.directory) {
        guard bs_content_mark(descriptor, place) == 0 else { throw SystemError("fanotify_mark", place) }
      }
    } catch {
      Glibc.close(descriptor)
      throw error
    }
  }

  /// A directory and all in it, but for those behind links.
  static func directories(below directory: String) throws -> [String] {
    var found = [directory]
    var next = 0
    while next < found.count {
      let parent = found[next]
      next += 1
      for name in try listDirectory(parent) {
        var information = stat()
        let path = "\(parent)/\(name)"
        guard lstat(path, &information) == 0, information.st_mode & S_IFMT == S_IFDIR else { continue }
        found.append(path)
        guard found.count <= mostDirectories else {
          throw SystemError("fanotify_mark", "\(directory): more than \(mostDirectories) directories", number: ENOSPC)
        }
      }
    }
    return found
  }

  /// How often the rule was asked, how many wait, and how many marks the kernel shows; 0 when it is closed.
  var standing: (tally: FileTally, waiting: Int, marks: Int) {
    state.withLock { state in
      let text = (try? readFile("/proc/self/fdinfo/\(state.descriptor)", limit: 1 << 22)) ?? []
      let marks = String(decoding: text, as: UTF8.self).split(separator: "\n").count { $0.hasPrefix("fanotify ino:") }
      return (state.decisions.tallies[0], state.waiting.count, state.descriptor < 0 ? 0 : marks)
    }
  }

  /// Moves the end of the lease.
  func prolong(until: Int64) { state.withLock { $0.until = until } }

  /// Answers what is due, then waits for the next questions or the next that is due, at most 50 ms.
  ///
  /// - Returns: whether it is still asked.
  func step() -> Bool {
    let now = timebase.monotonic()
    let (descriptor, wait) = state.withLock { state -> (Int32, Int64) in
      if now >= state.until { close(&state) }
      let due = state.waiting.filter { $0.due <= now }
      state.waiting.removeAll { $0.due <= now }
      for answer in due { bs_content_answer(state.descriptor, answer.event) }
      let next = state.waiting.map(\.due).min() ?? .max
      return (state.descriptor, min(next - now, 50_000_000))
    }
    guard descriptor >= 0 else { return false }
    guard bs_content_wait(descriptor, Int(max(0, wait))) > 0 else { return true }
    var events = [bs_content_event](repeating: bs_content_event(), count: 64)
    let count = bs_content_read(descriptor, &events, Int32(events.count))
    for event in events.prefix(Int(max(0, count))) { take(event) }
    return true
  }

  private func take(_ event: bs_content_event) {
    let arrived = timebase.monotonic()
    // Our own use would wait for ourselves.
    let path = event.pid == own ? nil : linkTarget("/proc/self/fd/\(event.fd)")
    state.withLock { state in
      guard let path, path.hasPrefix("\(directory)/") else {
        bs_content_answer(state.descriptor, event.fd)
        return
      }
      let request = FileRequest(operation: .read, paths: [String(path.dropFirst(directory.count + 1))])
      let delay = state.decisions.decide(request).delay
      if delay <= 0 {
        bs_content_answer(state.descriptor, event.fd)
      } else {
        state.waiting.append((event.fd, arrived + delay))
      }
    }
  }

  /// Lets all go on, and is asked no more.
  func close() { state.withLock { close(&$0) } }

  private func close(_ state: inout State) {
    guard state.descriptor >= 0 else { return }
    for answer in state.waiting { bs_content_answer(state.descriptor, answer.event) }
    state.waiting = []
    Glibc.close(state.descriptor)
    state.descriptor = -1
  }
}
