import Checks
import Support
import Testing

/// The corpus of MirrorMaker 2's own rules (Tests/Fixtures/corpus/mm2-cases): every case, every assertion.
@Suite struct MirrorCorpusTests {
  struct Vector: Decodable, Sendable, CustomTestStringConvertible {
    struct Step: Decodable, Sendable {
      var what: String
      var upstream: Int64?
      var downstream: Int64?
      var from: Int64?
      var to: Int64?
      var step: Int64?
      var groupOffset: Int64?
      var groupUpstream: Int64?
      var expect: Int64?
      var isNot: Int64?
      var emit: Bool?
      var emitted: JSONValue?
      var group: String?

      enum CodingKeys: String, CodingKey {
        case upstream, downstream, from, step, expect, emit, emitted, group
        case what = "do"
        case to = "to_inclusive"
        case groupOffset = "group_offset"
        case groupUpstream = "group_upstream"
        case isNot = "not"
      }
    }

    struct Group: Decodable, Sendable {
      struct Place: Decodable, Sendable {
        var upstream: Int64
        var downstream: Int64
      }
      var group: String
      var target: Int64?
      var checkpoint: Place
      var expected: Int64?

      enum CodingKeys: String, CodingKey {
        case group, checkpoint
        case target = "target_offset"
        case expected = "expect_target_after"
      }
    }

    var id: String
    var kind: String
    var mustReadToEnd: Bool?
    var lagMax: Int64?
    var steps: [Step]?
    var groups: [Group]?

    var testDescription: String { id }

    enum CodingKeys: String, CodingKey {
      case id, kind, steps, groups
      case mustReadToEnd = "initialization_must_read_to_end"
      case lagMax = "offset_lag_max"
    }
  }

  static let vectors: [Vector] = {
    do { return try decodeJSON([Vector].self, from: try readCorpus("mm2-cases/mm2-vectors.json")) } catch {
      Issue.record("the corpus cannot be read: \(error)")
      return []
    }
  }()

  @Test(arguments: vectors)
  func `a case of the corpus gives what it expects at every step`(vector: Vector) throws {
    let assertions: Int
    switch vector.kind {
    case "offset-translation", "checkpoint": assertions = try translate(vector)
    case "sync-emission": assertions = try emit(vector)
    case "group-offset-sync": assertions = try syncGroups(vector)
    default: throw Unknown(what: "kind '\(vector.kind)'")
    }
    #expect(assertions > 0, "the case asserts nothing")
  }

  @Test func `the corpus has all kinds of cases`() {
    #expect(Self.vectors.count == 7)
    #expect(
      Set(Self.vectors.map(\.kind)).isSuperset(of: [
        "offset-translation", "sync-emission", "checkpoint", "group-offset-sync",
      ]))
  }

  struct Unknown: Error { var what: String }

  private func translate(_ vector: Vector) throws -> Int {
    var store = OffsetSyncStore(mustReadToEnd: vector.mustReadToEnd ?? true)
    var emission = CheckpointEmission()
    var assertions = 0
    for (place, step) in try #require(vector.steps).enumerated() {
      switch step.what {
      case "start": store.start()
      case "sync":
        store.take(SyncPoint(upstream: try #require(step.upstream), downstream: try #require(step.downstream)))
      case "sync-range":
        for offset in stride(
          from: try #require(step.from), through: try #require(step.to), by: Int(try #require(step.step)))
        {
          store.take(SyncPoint(upstream: offset, downstream: offset))
        }
      case "translate":
        #expect(number(store.translate(try #require(step.groupOffset))) == step.expect, "\(vector.id), step \(place)")
        assertions += 1
      case "translate-not":
        #expect(number(store.translate(try #require(step.groupOffset))) != step.isNot, "\(vector.id), step \(place)")
        assertions += 1
      case "checkpoint":
        let checkpoint = emission.checkpoint(step.group ?? "group", upstream: try #require(step.groupUpstream), store)
        switch step.emitted {
        case .integer(let offset): #expect(checkpoint?.downstream == offset, "\(vector.id), step \(place)")
        case .string("any"): #expect(checkpoint != nil, "\(vector.id), step \(place)")
        case .null, nil: #expect(checkpoint == nil, "\(vector.id), step \(place)")
        default: throw Unknown(what: "emitted \(String(describing: step.emitted))")
        }
        assertions += 1
      default: throw Unknown(what: "step '\(step.what)'")
      }
    }
    return assertions
  }

  /// As the corpus writes it: −1 for too old, nothing for unavailable.
  private func number(_ translation: Translation) -> Int64? {
    switch translation {
    case .offset(let offset): offset
    case .tooOld: -1
    case .unavailable: nil
    }
  }

  private func emit(_ vector: Vector) throws -> Int {
    var rules = SyncEmission(lagMax: try #require(vector.lagMax))
    var assertions = 0
    for (place, step) in try #require(vector.steps).enumerated() {
      switch step.what {
      case "record":
        let isDue = rules.record(upstream: try #require(step.upstream), downstream: try #require(step.downstream))
        #expect(isDue == step.emit, "\(vector.id), step \(place)")
        assertions += 1
      case "reset": rules.sent()
      default: throw Unknown(what: "step '\(step.what)'")
      }
    }
    return assertions
  }

  private func syncGroups(_ vector: Vector) throws -> Int {
    let groups = try #require(vector.groups)
    for group in groups {
      let checkpoint = Checkpoint(
        group: group.group, upstream: group.checkpoint.upstream, downstream: group.checkpoint.downstream)
      let written = GroupOffsetSync.write(checkpoint, target: group.target, hasMembers: false)
      #expect(written ?? group.target == group.expected, "\(vector.id), \(group.group)")
    }
    return groups.count
  }
}

/// What the corpus does not cover, by the rules as published.
@Suite struct MirrorRulesTests {
  @Test func `a new sync point pushes out at most one more than it brings`() {
    for step in [Int64(1), 3, 7, 15, 127, 1023] {
      var store = OffsetSyncStore()
      store.start()
      var last = 1
      for offset in stride(from: Int64(0), through: step * 5000, by: Int(step)) {
        store.take(SyncPoint(upstream: offset, downstream: offset))
        let points = store.points
        #expect(points.first?.upstream == offset)
        #expect(points.last?.upstream == 0)
        #expect(points.count - last >= -1)
        last = points.count
      }
    }
  }

  /// Whatever the sync points: no translation of any offset goes past the records that were read.
  @Test(arguments: 0..<20)
  func `no translation overshoots`(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    var store = OffsetSyncStore()
    store.start()
    var emission = SyncEmission(lagMax: 10)
    var upstream: Int64 = 0
    var mirrored: [(upstream: Int64, downstream: Int64)] = []
    for downstream in Int64(0)..<2000 {
      mirrored.append((upstream, downstream))
      if emission.record(upstream: upstream, downstream: downstream) {
        store.take(SyncPoint(upstream: upstream, downstream: downstream))
        emission.sent()
      }
      upstream += Int64.random(in: 0..<20, using: &random) == 0 ? 5 : 1
    }
    for committed in stride(from: Int64(0), to: upstream + 3, by: 7) {
      guard let offset = store.translate(committed).offset else { continue }
      let next = mirrored.first { $0.upstream >= committed }?.downstream ?? Int64(mirrored.count)
      #expect(offset <= next)
    }
  }

  @Test func `after a restart that must read to the end only the last point is usable`() {
    var store = OffsetSyncStore(mustReadToEnd: true)
    var kept = OffsetSyncStore(mustReadToEnd: false)
    for offset in [Int64(100), 200, 300] {
      store.take(SyncPoint(upstream: offset, downstream: offset))
      kept.take(SyncPoint(upstream: offset, downstream: offset))
    }
    #expect(store.translate(250) == .unavailable)
    store.start()
    kept.start()
    #expect(store.translate(250) == .tooOld)
    #expect(kept.translate(250) == .offset(201))
  }

  @Test func `a checkpoint found at the start keeps later ones from going back`() {
    var store = OffsetSyncStore(mustReadToEnd: false)
    for offset in [Int64(175), 275, 375, 475] { store.take(SyncPoint(upstream: offset, downstream: offset)) }
    store.start()
    var emission = CheckpointEmission(found: [Checkpoint(group: "g", upstream: 250, downstream: 201)])
    #expect(emission.checkpoint("g", upstream: 250, store) == nil)
    #expect(emission.checkpoint("g", upstream: 400, store)?.downstream == 376)
  }

  @Test func `a group's offset is written to the target forward only, and never under its members`() {
    let checkpoint = Checkpoint(group: "g", upstream: 200, downstream: 101)
    #expect(GroupOffsetSync.write(checkpoint, target: nil, hasMembers: false) == 101)
    #expect(GroupOffsetSync.write(checkpoint, target: 101, hasMembers: false) == nil)
    #expect(GroupOffsetSync.write(checkpoint, target: 150, hasMembers: false) == nil)
    #expect(GroupOffsetSync.write(checkpoint, target: 50, hasMembers: true) == nil)
  }

  @Test func `topics are renamed as the default policy does`() {
    let naming = MirrorNaming()
    #expect(naming.target("topic3", from: "source1", to: "target2") == "source1.topic3")
    #expect(naming.target("target2.topic3", from: "source1", to: "target2") == "topic3")
    #expect(naming.target("source6.topic7", from: "source1", to: "target2") == "source1.source6.topic7")
    #expect(MirrorNaming(separator: nil).target("topic3", from: "source1", to: "target2") == "topic3")
    #expect(naming.provenance(of: "east.eu.orders", clusters: ["east", "eu"]) == ["east", "eu"])
    #expect(naming.provenance(of: "orders.v1", clusters: ["east", "eu"]).isEmpty)
  }
}
