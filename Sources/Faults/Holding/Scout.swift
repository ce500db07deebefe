internal import Netlink
internal import Support
internal import Synchronization

/// Does for the held faults of a node what may take long, on a thread of its own: devices, names, questions to the kernel.
final class Scout: Sendable {
  let workshop: Workshop
  let names: NameWatch
  private let timebase: Timebase
  /// Tells the holder what was seen of a fault's devices.
  private let tell: @Sendable (_ fault: String, _ sight: Sight) -> Void
  private let watched = Mutex<[String: Watched]>([:])

  /// What was seen of the devices of a fault.
  enum Sight: Sendable {
    /// They were removed, the tables having gone before: what was missing by then, and what could not be removed.
    case removed(missing: String?, left: [String])
    /// All were as they were made at that moment.
    case whole(at: Int64)
    /// This is missing.
    case missing(String)
  }

  private struct Watched: Sendable {
    var made: MadeScaffolds
    var every: Int64
    var due: Int64
  }

  init(
    workshop: Workshop, names: NameWatch, timebase: Timebase,
    tell: @escaping @Sendable (_ fault: String, _ sight: Sight) -> Void
  ) {
    self.workshop = workshop
    self.names = names
    self.timebase = timebase
    self.tell = tell
  }

  /// The devices that a fault can be made on.
  func devices() throws(NetlinkError) -> [String] { try NodeProfile.devices(workshop.links) }

  /// Everything as the kernel shows it now.
  ///
  /// - Parameter rules: read by the holder, because its heartbeats change them, and a listing must not change meanwhile.
  func snapshot(_ rules: NFTables.Ruleset) throws(NetlinkError) -> NodeSnapshot {
    try NodeSnapshot(rules: rules, workshop.links, workshop.traffic)
  }

  /// Begins to look after the devices and the names of a fault that was just armed.
  func watch(_ fault: Fault, _ made: MadeScaffolds, _ resolved: [ResolvedName]) {
    names.watch(fault.id, resolved)
    if made.isEmpty { return }
    let every = fault.timing.heartbeatMilliseconds * 1_000_000
    watched.withLock { $0[fault.id] = Watched(made: made, every: every, due: timebase.monotonic() + every) }
  }

  /// Looks at the devices of a fault whose tables are gone for the last time, and removes them.
  func finish(_ fault: String, _ made: MadeScaffolds) {
    watched.withLock { $0[fault] = nil }
    let missing: String?
    do throws(NetlinkError) { missing = try workshop.missing(made) } catch {
      missing = "its devices, which cannot be seen: \(error)"
    }
    tell(fault, .removed(missing: missing, left: workshop.takeAway(made)))
  }

  /// Does what is due. Returns when it wants to be called next.
  func tick() -> Int64? {
    let due = watched.withLock { watched in watched.filter { $0.value.due <= timebase.monotonic() } }
    for (fault, entry) in due {
      let at = timebase.monotonic()
      do throws(NetlinkError) {
        tell(fault, try workshop.missing(entry.made).map { .missing($0) } ?? .whole(at: at))
      } catch {
        // No answer says nothing about the devices; they are asked about again, and at the end in any case.
      }
      watched.withLock { $0[fault]?.due = timebase.monotonic() + entry.every }
    }
    return [names.tick(), watched.withLock { $0.values.map(\.due).min() }].compactMap { $0 }.min()
  }

  func close() {
    workshop.close()
  }
}
