internal import Drill
internal import Glibc
internal import Support

/// Waits for events in the journal of a running drill. Blocks: use it on a thread of your own.
final class JournalFollower {
  private let file: RecordFollower
  private var records: [JournalRecord] = []

  init(_ path: String) {
    file = RecordFollower(path)
  }

  /// The next event of that type. Looks five thousand times a second: a record is seen before the drill goes on from it.
  ///
  /// - Parameter isRunning: whether more can come.
  /// - Throws: ``Problem`` when the drill ended, or `limit` passed, before there was one.
  func next<T: JournalEvent>(
    _ type: T.Type, limit: Duration, while isRunning: () -> Bool
  ) throws -> T {
    let deadline = Timebase.system.monotonic() + limit.nanoseconds
    while true {
      let goesOn = isRunning()
      records += try file.more()
      while !records.isEmpty {
        if let event = records.removeFirst().decoded(type) { return event }
      }
      guard goesOn else {
        throw Problem(.fail, at: file.path, "the drill ended before it wrote a record \(T.type)")
      }
      guard Timebase.system.monotonic() < deadline else {
        throw Problem(.fail, at: file.path, "the drill wrote no record \(T.type) within \(limit.brief)")
      }
      usleep(200)
    }
  }
}
