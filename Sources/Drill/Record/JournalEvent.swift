public import Checks
public import Support

/// Something a run writes to its journal: a type name and particulars of a fixed shape.
public protocol JournalEvent: Codable, Sendable {
  /// The record's `type`, such as `fault.armed`.
  static var type: String { get }
}

extension Journal {
  /// Writes `event` and waits until it is on disk.
  @discardableResult
  public func record(_ event: some JournalEvent) throws -> JournalRecord {
    try append(Swift.type(of: event).type, decodeJSON(JSONValue.self, from: encodeJSON(event)))
  }
}

extension JournalRecord {
  /// The particulars as `type`, or `nil` when the record is of another type or shape.
  public func decoded<T: JournalEvent>(_ type: T.Type) -> T? {
    // A foreign shape is no such event.
    guard self.type == T.type, let bytes = try? encodeJSON(data) else { return nil }
    return try? decodeJSON(type, from: bytes)
  }
}

/// The phases of a run, in time.
public enum Phase: String, Codable, Sendable, CaseIterable {
  /// What the machine offers is checked; nothing is made yet.
  case preflight
  /// The regions and their servers come up.
  case lab
  /// The steady state must hold.
  case baseline
  /// Faults are armed; the workload goes on.
  case fault
  /// Faults are gone; the system comes back by itself.
  case recovery
  /// The way back to the normal owner.
  case failback
  /// The workload has stopped; the stores are dumped.
  case quiescence
  /// The evidence is judged.
  case verdict
  /// The lab goes down.
  case teardown
}

/// `run.started`
public struct RunStarted: JournalEvent {
  /// The record type.
  public static let type = "run.started"
  /// Name of the scenario.
  public var scenario: String
  /// Seed of everything that is drawn.
  public var seed: UInt64
  /// Version of this program.
  public var version: String
  /// First digits of the SHA-256 of the executable: which build it was.
  public var build: String
  /// Name and kernel of the machine.
  public var host: String
  /// The kernel's release.
  public var kernel: String
  /// Planted faults of the stack.
  public var plants: [String]
  /// This process.
  public var process: ProcessIdentity
  /// How far it went; `nil`: all the way.
  public var mode: RunMode?
}

/// `phase.entered`
public struct PhaseEntered: JournalEvent {
  /// The record type.
  public static let type = "phase.entered"
  /// The phase that begins.
  public var phase: Phase
}

/// `lab.up`
public struct LabIsUp: JournalEvent {
  /// The record type.
  public static let type = "lab.up"
  /// Its name, as `blackstart lab status` takes it.
  public var lab: String
  /// Regions in the order of the scenario.
  public var regions: [String]
  /// How long it took (ns).
  public var took: Int64
}

/// `host.ready`: the agent of a host serves.
public struct HostIsReady: JournalEvent {
  /// The record type.
  public static let type = "host.ready"
  /// The host, as the scenario calls it.
  public var node: String
  /// Its own name.
  public var host: String
  /// The agent's process there.
  public var process: ProcessIdentity
  /// Where its connection comes from; `nil` where that cannot be told.
  public var peer: String?
  /// How far its time of day is ahead of ours (ns); `nil`: it could not be read.
  public var offset: Int64?
}

/// `host.lost`: the agent of a host is lost.
public struct HostIsLost: JournalEvent {
  /// The record type.
  public static let type = "host.lost"
  /// The host.
  public var node: String
  /// Why.
  public var why: String
}

/// `authority.seen`: what the control plane of one region says, written when it changes.
public struct AuthoritySeen: JournalEvent, Hashable {
  /// The record type.
  public static let type = "authority.seen"
  /// Whose control plane says it.
  public var region: String
  /// Its role.
  public var role: String
  /// The region that it takes for the writer; `nil` when it knows of none.
  public var writer: String?
  /// The token that this region itself was granted, sealed yet or not.
  public var ownToken: Int64?
  /// The token of that writer.
  public var token: Int64?
  /// The mode of the store beside it: `rw`, `ro`; `nil` without a store.
  public var storeMode: String?
  /// The highest token that store has seen.
  public var storeHighest: Int64?
  /// Name of etcd's own leader, as far as it is known.
  public var etcdLeader: String?
  /// Whether its last request to etcd was answered.
  public var etcdReachable: Bool
}

/// `plant.set`: the stack was made wrong on purpose.
public struct PlantSet: JournalEvent {
  /// The record type.
  public static let type = "plant.set"
  /// Name of the plant.
  public var plant: String
  /// What was done, and where.
  public var detail: String
}

/// `fault.arming`: written before the kernel is asked.
public struct FaultArming: JournalEvent {
  /// The record type.
  public static let type = "fault.arming"
  /// The fault's id in the scenario.
  public var fault: String
  /// Its kind: `partition`.
  public var kind: String
  /// What will be made, by node.
  public var objects: [String: [String]]
}

/// `fault.armed`
public struct FaultArmed: JournalEvent {
  /// The record type.
  public static let type = "fault.armed"
  /// The fault's id.
  public var fault: String
  /// When the last node had applied it (ns, monotonic): from here on it was in force everywhere.
  public var at: Int64
  /// From the first node's transaction to the end of the last one's (ns).
  public var skew: Int64
  /// What the owner of the sockets that it means was found to be, a line each: `eu: user postgres is 113`; `nil` for none.
  public var owners: [String]?
}

/// `fault.proven`: every direction asked for was found as planned, every other one open, and packets were met.
public struct FaultProven: JournalEvent {
  /// The record type.
  public static let type = "fault.proven"
  /// The fault's id.
  public var fault: String
  /// When the measurement began that proved it (ns, monotonic).
  public var at: Int64
  /// Ordered pairs that were found cut: `east→eu`; once for each address family.
  public var cut: [String]
  /// Ordered pairs that were found open.
  public var open: [String]
  /// What else was measured, a line each: `east→eu v4: 80.2 ms on the way`.
  public var measured: [String]?
  /// Packets that something had happened to when the proof was complete; of a fault inside a node, how often it had bitten.
  public var droppedPackets: UInt64
}

/// `fault.lapsed`: the fault is no longer in force though nobody disarmed it.
public struct FaultLapsed: JournalEvent {
  /// The record type.
  public static let type = "fault.lapsed"
  /// The fault's id.
  public var fault: String
  /// The node.
  public var node: String
  /// What was found.
  public var reason: String
}

/// `fault.name`: what a name at the other end of a fault stands for, written at arming and whenever it changes.
public struct FaultNameChanged: JournalEvent {
  /// The record type.
  public static let type = "fault.name"
  /// The fault's id.
  public var fault: String
  /// The node that resolved it.
  public var node: String
  /// The name.
  public var name: String
  /// Addresses that it has got, and that the fault means from now on.
  public var added: [String]
  /// Addresses that it has no more, and that the fault means no more.
  public var removed: [String]
}

/// `fault.name-lost`: a name could not be resolved again; the fault goes on meaning what it meant.
public struct FaultNameLost: JournalEvent {
  /// The record type.
  public static let type = "fault.name-lost"
  /// The fault's id.
  public var fault: String
  /// The node that asked.
  public var node: String
  /// The name.
  public var name: String
  /// Why.
  public var why: String
}

/// `guardian.noted`: something happened to what the guardian answers for.
public struct GuardianNoted: JournalEvent {
  /// The record type.
  public static let type = "guardian.noted"
  /// What.
  public var what: String
}

/// `fault.disarming`
public struct FaultDisarming: JournalEvent {
  /// The record type.
  public static let type = "fault.disarming"
  /// The fault's id.
  public var fault: String
  /// Why: `planned`, `aborted`, …
  public var reason: String
  /// Packets dropped in all, or how often it bit, by node, read just before.
  public var droppedPackets: [String: UInt64]
}

/// `fault.withheld`: in a dry run, what would have been armed and was not.
public struct FaultWithheld: JournalEvent {
  /// The record type.
  public static let type = "fault.withheld"
  /// The fault's id.
  public var fault: String
  /// What would have been made, by node.
  public var objects: [String: [String]]
}

/// `step.confirmed`: a person who watches each step let this one be done.
public struct StepConfirmed: JournalEvent {
  /// The record type.
  public static let type = "step.confirmed"
  /// What was about to be done.
  public var what: String
  /// How long it waited for the person (ns).
  public var waited: Int64
}

/// `fault.gone`: verified, on every node.
public struct FaultGone: JournalEvent {
  /// The record type.
  public static let type = "fault.gone"
  /// The fault's id.
  public var fault: String
  /// When the last table was gone (ns, monotonic).
  public var at: Int64
  /// Ordered pairs that were found open again.
  public var open: [String]
  /// Differences to the snapshots taken before; empty when the nodes are as they were.
  public var differences: [String]
  /// What was seen of its absence inside nodes, one line each.
  public var evidence: [String]?
}

/// `sample`: figures of one moment, for the live view and the charts.
public struct Sample: JournalEvent {
  /// The record type.
  public static let type = "sample"
  /// Operations completed since the sample before, by region of the producer.
  public var rates: [String: Rates]
  /// Mirror lag by direction, `east→eu`: records behind, and age of the oldest (ns).
  public var lag: [String: Lag]

  /// Completions of one interval.
  public struct Rates: Codable, Sendable, Hashable {
    /// Acknowledged writes.
    public var acknowledged: UInt64 = 0
    /// Writes that certainly had no effect.
    public var failed: UInt64 = 0
    /// Writes with an unknown outcome.
    public var unknown: UInt64 = 0
  }

  /// How far one mirror is behind.
  public struct Lag: Codable, Sendable, Hashable {
    /// Records that the target lacks.
    public var records: Int
    /// Age of the oldest of them (ns).
    public var age: Int64
  }

  /// Length of the interval (ns).
  public var interval: Int64
}

/// `condition.met`: something the run waited for.
public struct ConditionMet: JournalEvent {
  /// The record type.
  public static let type = "condition.met"
  /// What it waited for.
  public var condition: String
  /// How long it took (ns).
  public var took: Int64
}

/// `condition.missed`: something the run waited for in vain.
public struct ConditionMissed: JournalEvent {
  /// The record type.
  public static let type = "condition.missed"
  /// What it waited for.
  public var condition: String
  /// How things stood when it gave up.
  public var state: String
}

/// `server.ended`: a server of the lab ended by itself.
public struct ServerLost: JournalEvent {
  /// The record type.
  public static let type = "server.ended"
  /// Where it ran.
  public var region: String
  /// Which server.
  public var server: String
  /// How it ended.
  public var end: String
  /// The fault that was to end it; `nil` if none was.
  public var fault: String?
}

/// `server.restarted`: a server of the lab that a fault had ended was started again, as the scenario says.
public struct ServerRestarted: JournalEvent {
  /// The record type.
  public static let type = "server.restarted"
  /// Where it runs.
  public var region: String
  /// Which server.
  public var server: String
  /// The fault that had ended it.
  public var fault: String
  /// How long it was away (ns).
  public var away: Int64
  /// How its monotonic and boot clocks differ from ours; `nil`: as before.
  public var clocks: String?
}

/// `truth.dumped`: ground truth was read from a server.
public struct TruthDumped: JournalEvent {
  /// The record type.
  public static let type = "truth.dumped"
  /// File below `ground-truth/`.
  public var file: String
  /// Rows in it.
  public var rows: Int
}

/// `evidence.set-aside`: what was found where it does not belong, and was not counted.
public struct EvidenceSetAside: JournalEvent {
  /// The record type.
  public static let type = "evidence.set-aside"
  /// What, each with its place.
  public var what: [String]
}

/// `history.closed`
public struct HistoryClosed: JournalEvent {
  /// The record type.
  public static let type = "history.closed"
  /// Operations in the file.
  public var operations: UInt64
  /// Operations that could not be recorded because the buffer was full.
  public var dropped: UInt64
}

/// `steady.seen`: an expectation of the steady state was seen to stand otherwise than before.
public struct SteadySeen: JournalEvent {
  /// The record type.
  public static let type = "steady.seen"
  /// The expectation.
  public var expectation: String
  /// How it stands.
  public var state: SteadyEvidence.State
  /// What was seen.
  public var seen: String
  /// When (ns, monotonic).
  public var at: Int64
}

/// `run.aborted`: the run leaves its plan.
public struct RunAborted: JournalEvent {
  /// The record type.
  public static let type = "run.aborted"
  /// Why.
  public var reason: String
}

/// `run.ended`: the last record.
public struct RunEnded: JournalEvent {
  /// The record type.
  public static let type = "run.ended"
  /// The exit code.
  public var code: Int32
}
