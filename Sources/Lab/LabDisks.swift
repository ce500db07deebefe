public import Faults
public import Support
internal import Synchronization

/// The prepared directories of one lab: the data of chosen stores, mounted through a process of ours before the store is
/// started, so that faults of files can be made there.
///
/// Belongs to the process that makes the lab. When that is gone, the mounts are plain, and are undone by the guardian; when
/// both are gone, by `recover`, which knows them by the lab's directory.
public final class LabDisks: Sendable {
  /// The regions whose stores are prepared.
  public let regions: Set<String>
  private let run: String
  private let program: String
  private let ownPaths: [String]
  private let keeper: GuardedUndo
  private let state = Mutex<[String: Held]>([:])

  private struct Held {
    var disks: NodeDisks
    var prepared: PreparedDirectory?
  }

  /// Prepares nothing yet.
  ///
  /// - Parameters:
  ///   - regions: whose stores are to be prepared.
  ///   - run: the run, from whose name the mounts and the undo journal have theirs.
  ///   - stateDirectory: where the undo journal is made.
  ///   - program: absolute path of the executable that has the commands `pass-through` and `guardian`.
  ///   - ownPaths: what must never be stopped or filled: where this process writes to.
  ///   - report: called with what happens to the guardian.
  public init(
    regions: Set<String>, run: String, stateDirectory: String, program: String, ownPaths: [String] = [],
    timebase: Timebase = .system, report: @escaping @Sendable (UndoEvent) -> Void = { _ in }
  ) throws {
    self.regions = regions
    self.run = run
    self.program = program
    self.ownPaths = ownPaths + [stateDirectory]
    // A journal of its own: that of the faults ends with the timeline, and the mounts end with the lab.
    keeper = try GuardedUndo(
      stateDirectory: stateDirectory, run: "\(run).disks", program: program, timebase: timebase, report: report)
  }

  /// What faults in a region need to know of its disks.
  public func disks(of region: String) -> NodeDisks? { state.withLock { $0[region]?.disks } }

  /// Notes where all that a region's servers write is.
  func note(_ directory: String, of region: String) {
    state.withLock { $0[region] = Held(disks: NodeDisks(ownPaths: ownPaths, names: ["region": directory])) }
  }

  /// Mounts the data of a region's store, which nobody uses yet. Blocks.
  ///
  /// - Throws: `Problem` (faultNotApplied); nothing is mounted then.
  func prepare(_ data: String, of region: String) throws {
    let prepared = try PreparedDirectory(
      data, id: "\(region)-store", run: run, node: region, program: program, undo: keeper)
    state.withLock { state in
      state[region]?.prepared = prepared
      state[region]?.disks.add(prepared, as: "store")
    }
  }

  /// Lets the mounts go, and the guardian. To be called when the lab is down, or is to stand without us: what is open in
  /// them stays good. Blocks.
  ///
  /// - Returns: what is left, in words; empty if nothing is.
  public func close() -> [String] {
    let held = state.withLock { state in
      defer { state = [:] }
      return state.sorted { $0.key < $1.key }
    }
    var left: [String] = []
    for (region, held) in held {
      guard let prepared = held.prepared else { continue }
      do { try prepared.release() } catch { left.append("\(region) store: \(error)") }
    }
    return left + keeper.close()
  }
}
