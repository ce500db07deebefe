internal import Support

/// Waits for servers to become ready, watching that they do not die meanwhile.
struct Readiness: Sendable {
  let clock: any Clock<Duration>
  /// How long one server may take. A cold disk, or a dozen Java servers that start beside it on two processors, make it slow; what
  /// is healthy needs well under a second.
  var limit: Duration = .seconds(30)
  /// Between two looks.
  var pause: Duration = .milliseconds(10)

  /// What a look found.
  enum Finding: Sendable {
    case ready
    /// Not yet; why, in case it is the last look.
    case waiting(String)
  }

  /// Looks until `probe` says ready.
  ///
  /// - Parameter servers: those whose end makes waiting pointless.
  /// - Throws: ``Problem`` (steadyState): one of them ended, or the limit passed; with the end of its log.
  func wait(
    for what: String, servers: [LabServer], _ probe: @escaping @Sendable () async throws -> Finding
  ) async throws {
    let lastReason = LastReason()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for server in servers {
        guard let child = server.child else { continue }
        group.addTask(name: "watch \(server.name)") {
          // `nil`: we were cancelled, because it is ready or somebody gave up.
          if let end = await child.wait() { throw ServerEnded(server, end).problem(.steadyState) }
          try Task.checkCancellation()
        }
      }
      group.addTask(name: "readiness of \(what)") {
        do {
          try await withDeadline(limit, clock: clock, what) {
            while true {
              guard case .waiting(let why) = try await probe() else { return }
              if !Task.isCancelled { await lastReason.set(why) }  // else it is the time-out's own echo
              try await clock.sleep(for: pause)
            }
          }
        } catch is DeadlineExceeded {
          let tails = servers.map { server in
            let tail = LogTail(path: server.logPath)
            return "\n    \(server.logPath): \(tail.complaint ?? tail.lines.last ?? "(empty)")"
          }
          throw Problem(
            .steadyState, at: what,
            "it was not ready within \(limit.brief): \(await lastReason.text); its log says:\(tails.joined())",
            fix: servers.compactMap { LogTail(path: $0.logPath).remedy }.first
              ?? "read the log; is the machine very busy?")
        }
        throw Done()
      }
      do {
        while try await group.next() != nil {}
      } catch is Done {
        group.cancelAll()
      }
    }
  }

  /// Leaves the group as soon as the probe is content.
  private struct Done: Error {}

  private actor LastReason {
    var text = "nothing was heard of it"
    func set(_ text: String) { self.text = text }
  }
}
