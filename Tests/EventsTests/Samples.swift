import Events
import FoundationEssentials
import Glibc

/// A generator of operations that look like a drill's, from a seed (SplitMix64).
struct Samples {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func bits() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  mutating func below(_ bound: UInt64) -> UInt64 { bits() % bound }

  /// Appends, each followed by two observations and two applications, as a drill with two stores writes them.
  mutating func drill(events: Int) -> [Operation] {
    var operations: [Operation] = []
    var now: Int64 = 5_000_000_000_000
    for number in 0..<events {
      let producer = UInt32(below(8))
      let key = UInt32(below(40))
      let checksum = bits()
      now += Int64(below(9_000_000)) + 100_000
      var op = Operation(
        .append, process: producer, event: EventID(producer: producer, sequence: UInt64(number)), key: key,
        keySequence: UInt64(number), node: NodeIndex(rawValue: 0), region: NodeIndex(rawValue: 1),
        position: Int64(number),
        token: 77, checksum: checksum, invoked: now, completed: now + Int64(below(3_000_000)), outcome: .ok)
      operations.append(op)
      for node in UInt16(0)..<2 {
        op.kind = .observe
        op.process = 100 + UInt32(node)
        op.node = NodeIndex(rawValue: node)
        op.region = op.node
        op.origin = NodeIndex(rawValue: 0)
        op.invoked = now + Int64(below(4_000_000))
        op.completed = op.invoked
        operations.append(op)
        op.kind = .apply
        op.process = 200 + UInt32(node)
        op.group = GroupIndex(rawValue: node)
        op.token = nil
        op.committed = op.position
        op.invoked += Int64(below(1_000_000))
        op.completed = op.invoked + Int64(below(1_000_000))
        operations.append(op)
        op.group = nil
        op.token = 77
        op.committed = nil
      }
    }
    return operations
  }

  /// Any operation at all, extremes included.
  mutating func wild(_ names: NameTable) -> Operation {
    func node(_ raw: UInt64) -> NodeIndex { NodeIndex(rawValue: UInt16(raw % UInt64(names.nodes.count))) }
    func extreme(_ raw: UInt64) -> Int64 {
      [Int64.min, .max, 0, -1, 1, Int64(bitPattern: raw)][Int(raw % 6)]
    }
    let code = OutcomeCode(rawValue: UInt16(below(UInt64(names.codes.count))))
    var op = Operation(
      OperationKind.allCases[Int(below(UInt64(OperationKind.allCases.count)))],
      process: below(2) == 0 ? UInt32(below(4)) : UInt32(truncatingIfNeeded: bits()),
      event: below(8) == 0 ? .none : EventID(producer: UInt32(below(3)), sequence: below(2) == 0 ? bits() : below(4)),
      key: UInt32(below(5)),
      keySequence: bits(), node: node(bits()), region: node(bits()), origin: below(2) == 0 ? node(bits()) : nil,
      position: below(2) == 0 ? extreme(bits()) : nil, token: below(2) == 0 ? extreme(bits()) : nil,
      group: below(2) == 0 ? GroupIndex(rawValue: UInt16(below(UInt64(names.groups.count)))) : nil,
      committed: below(2) == 0 ? extreme(bits()) : nil, checksum: below(2) == 0 ? bits() : nil,
      invoked: extreme(bits()), completed: below(3) == 0 ? nil : extreme(bits()),
      outcome: [.ok, .fail(code), .unknown(code)][Int(below(3))], wall: below(3) == 0 ? extreme(bits()) : nil,
      wallUncertainty: below(3) == 0 ? extreme(bits()) : nil)
    if below(2) == 0 {
      op.partition = PartitionIndex(rawValue: UInt32(below(UInt64(names.partitions.count))))
      op.call = below(2) == 0 ? bits() : below(3)
      op.transaction = below(2) == 0 ? bits() : below(3)
      op.leaderEpoch = below(2) == 0 ? Int32(truncatingIfNeeded: bits()) : nil
      op.producerEpoch = below(2) == 0 ? [Int32.min, .max, -1, 0][Int(below(4))] : nil
      op.keyHash = below(2) == 0 ? bits() : nil
      op.keyClass = below(2) == 0 ? KeyClassIndex(rawValue: UInt16(below(UInt64(names.keyClasses.count)))) : nil
    }
    if below(3) == 0 {
      op.incarnation = UInt32(truncatingIfNeeded: bits())
      op.member = MemberIndex(rawValue: UInt32(below(UInt64(names.members.count))))
      op.generation = Int32(truncatingIfNeeded: bits())
      op.lease = extreme(bits())
      op.ttl = below(2) == 0 ? extreme(bits()) : nil
      op.leaseEnd = below(2) == 0 ? extreme(bits()) : nil
      op.value = below(2) == 0 ? extreme(bits()) : nil
      op.expected = below(2) == 0 ? extreme(bits()) : nil
    }
    return op
  }

  /// A log as a drill of a cluster writes it: producers that send, each record read by a group in another call.
  mutating func cluster(sends: Int, producers: Int = 64, partitions: Int = 64) -> [Operation] {
    var operations: [Operation] = []
    var now: Int64 = 5_000_000_000_000
    var sequences = [UInt64](repeating: 0, count: producers)
    var ends = [Int64](repeating: 0, count: partitions)
    var keys = [UInt64](repeating: 0, count: 1000)
    for _ in 0..<sends {
      let producer = Int(below(UInt64(producers)))
      let partition = Int(below(UInt64(partitions)))
      let key = Int(below(1000))
      now += Int64(below(2000))
      var op = Operation(
        .append, process: UInt32(producer), event: EventID(producer: UInt32(producer), sequence: sequences[producer]),
        key: UInt32(key), keySequence: keys[key], node: NodeIndex(rawValue: 0), region: NodeIndex(rawValue: 0),
        position: ends[partition], checksum: bits() >> 32, invoked: now - 1_000_000 - Int64(below(200_000)),
        completed: now, outcome: .ok, partition: PartitionIndex(rawValue: UInt32(partition)))
      operations.append(op)
      sequences[producer] += 1
      ends[partition] += 1
      keys[key] += 1
      op.kind = .poll
      op.process = 1000 + UInt32(partition)
      op.group = GroupIndex(rawValue: 0)
      op.call = UInt64(operations.count)
      op.invoked = now - 500_000
      op.completed = now + Int64(below(1000))
      operations.append(op)
    }
    return operations
  }
}

/// Tables that the samples' numbers fit.
func sampleNames() -> NameTable {
  var names = NameTable()
  for name in ["east", "eu", "ap"] { _ = names.node(name) }
  for name in ["billing-eu", "billing-ap"] { _ = names.group(name) }
  for name in ["BS409", "timeout"] { _ = names.code(name) }
  for name in ["orders-0", "orders-1", "x"] { _ = names.partition(name) }
  for name in ["member-a", "member-b"] { _ = names.member(name) }
  for name in ["payments"] { _ = names.keyClass(name) }
  return names
}

/// Runs `body` with a directory of its own, which is gone afterwards.
func withDirectory<T>(_ body: (String) async throws -> T) async throws -> T {
  let url = FileManager.default.temporaryDirectory.appendingPathComponent("events-\(getpid())-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: url, withIntermediateDirectories: false)
  let outcome: Result<T, any Error>
  do { outcome = .success(try await body(url.path)) } catch { outcome = .failure(error) }
  let result = try outcome.get()
  try FileManager.default.removeItem(at: url)
  return result
}
