internal import Support

/// A guardian that was started, and the connection to it.
struct GuardianProcess: Sendable {
  let child: ChildProcess
  let channel: GuardianChannel

  /// How long is waited until it is ready: starting a program on a busy machine takes its time.
  private static let startMilliseconds: Int32 = 5_000
  /// How long an answer is waited for: less than the silence that other faults of the same holder survive meanwhile.
  private static let answerMilliseconds: Int32 = 1_000

  /// Starts `PROGRAM guardian JOURNAL` and waits until it is ready.
  ///
  /// It is in a session of its own, so that no signal of the terminal's reaches it, and inherits nothing but its end of
  /// the connection.
  init(program: String, journal: String) throws(UndoError) {
    (child, channel) = try Self.start(program, journal)
    while try next(Self.startMilliseconds) != .ready {}
  }

  /// When it returns, this process no longer has the guardian's end: only so does the guardian's death close it.
  private static func start(_ program: String, _ journal: String) throws(UndoError) -> (ChildProcess, GuardianChannel) {
    do {
      let (own, other) = try GuardianChannel.pair()
      var request = ProcessRequest(program, ["guardian", journal])
      request.directory = "/"
      request.standardInput = other.descriptor
      return (try withExtendedLifetime(other) { try ChildProcess(request) }, own)
    } catch {
      throw .noGuardian("\(error)")
    }
  }

  /// Gives it a record and waits until it has it.
  ///
  /// - Parameter meanwhile: called with what it said before that.
  func keep(
    number: UInt64, _ record: UndoRecord, until: Int64, pid: Int32, descriptor: Int32?,
    meanwhile: (GuardianReply) -> Void
  ) throws(UndoError) {
    try send(.keep(number: number, record: record, until: until, pid: pid, descriptor: descriptor))
    while true {
      let reply = try next(Self.answerMilliseconds)
      switch reply {
      case .kept(number): return
      case .refused(number, let why): throw .refused(why)
      default: meanwhile(reply)
      }
    }
  }

  /// Sends a message that has no answer.
  func send(_ message: GuardianMessage) throws(UndoError) {
    let isTaken: Bool
    do { isTaken = try channel.send(message) } catch { throw .noGuardian("\(error)") }
    if !isTaken { throw .noGuardian(child.end.map { "it \($0)" } ?? "it does not read its messages") }
  }

  private func next(_ milliseconds: Int32) throws(UndoError) -> GuardianReply {
    switch channel.receive(GuardianReply.self, milliseconds: milliseconds) {
    case .message(let reply): return reply
    case .unreadable(let why): throw .noGuardian("its answer cannot be read (\(why))")
    case .nothing: throw .noGuardian("it does not answer within \(milliseconds) ms")
    case .closed: throw .noGuardian("it ended as soon as it was started; its program is no blackstart, or has no root")
    }
  }
}
