import KafkaWire
import Testing

@Suite("__consumer_offsets")
struct ConsumerOffsetsTests {
  @Test("Committed offsets of every version that Kafka's own classes write")
  func commits() throws {
    let records = try KafkaFixtures.records(of: "commit")
    #expect(records.map { $0.fields[3] } == ["0", "1", "2", "3", "4"])
    for (key, value, fields) in records {
      guard case .commit(let commit) = try ConsumerOffsetsRecord(key: key, value: value) else {
        Issue.record("no commit: \(fields)")
        continue
      }
      let version = try #require(Int(fields[3]))
      #expect([commit.group, commit.topic, "\(commit.partition)"] == Array(fields.prefix(3)))
      let state = try #require(commit.state)
      #expect(state.offset == 1_234_567_890_123)
      #expect(state.metadata == "by hand")
      #expect(state.committedAt == 1_700_000_000_000)
      #expect(state.expiresAt == (version == 1 ? 1_700_000_600_000 : nil))
      #expect(state.leaderEpoch == (version >= 3 ? 5 : nil))
      #expect(state.topicID?.description == (version >= 4 ? "AAECAwQFBgcICQoLDA0ODw" : nil))
      for count in 0..<(value?.count ?? 0) {
        #expect(throws: WireError.self) { try ConsumerOffsetsRecord(key: key, value: value?.prefix(count)) }
      }
    }
    for (key, value, _) in try KafkaFixtures.records(of: "legacy-commit") {
      guard case .commit(let commit) = try ConsumerOffsetsRecord(key: key, value: value) else {
        Issue.record("no commit")
        continue
      }
      #expect(commit.group == "g" && commit.state?.offset == 9)
    }
  }

  @Test("A commit that was removed")
  func removed() throws {
    for (key, value, _) in try KafkaFixtures.records(of: "removed") {
      #expect(
        try ConsumerOffsetsRecord(key: key, value: value)
          == .commit(OffsetCommit(group: "billing", topic: "orders.us", partition: 7, state: nil)))
    }
  }

  @Test("Groups of every version: generation and members")
  func groups() throws {
    let records = try KafkaFixtures.records(of: "group")
    #expect(records.count == 5)
    for (key, value, fields) in records {
      guard case .group(let group) = try ConsumerOffsetsRecord(key: key, value: value) else {
        Issue.record("no group: \(fields)")
        continue
      }
      #expect(group.group == "billing")
      #expect(group.state?.generation == 42)
      #expect(group.state?.members == 2)
      #expect(group.state?.protocolType == "consumer")
    }
  }

  @Test("State of later protocols is stepped over by kind; what no version has is refused")
  func others() throws {
    let kinds = try KafkaFixtures.records(of: "other").map { try ConsumerOffsetsRecord(key: $0.key, value: $0.value) }
    #expect(kinds == [.other(kind: 3), .other(kind: 17)])
    #expect(throws: WireError(.unknownVersion(-1), at: 0)) { try ConsumerOffsetsRecord(key: [0xff, 0xff], value: nil) }
    let (key, value, _) = try #require(try KafkaFixtures.records(of: "commit").last)
    var later = Array(try #require(value))
    later[1] = 5
    #expect(throws: WireError(.unknownVersion(5), at: 0)) { try ConsumerOffsetsRecord(key: key, value: later[...]) }
  }

  @Test("The offsets of a real mirrored pair are those that the admin client listed")
  func real() throws {
    func last(_ cluster: String) throws -> [String: Int64] {
      var offsets: [String: Int64] = [:]
      for record in try KafkaFixtures.records("\(cluster)/__consumer_offsets-0") {
        guard case .commit(let commit) = try ConsumerOffsetsRecord(key: record.key, value: record.value) else {
          continue
        }
        offsets["\(commit.group) \(commit.topic)-\(commit.partition)"] = commit.state?.offset
      }
      return offsets
    }
    let east = try last("east")
    #expect(east["billing orders.us-0"] == 98 && east["billing orders.us-1"] == 61)
    #expect(east["idle orders.us-0"] == 21 && east["idle orders.us-1"] == 8)
    let eu = try last("eu")
    #expect(eu["billing east.orders.us-0"] == 71 && eu["billing east.orders.us-1"] == 27)
    #expect(eu["idle east.orders.us-0"] == 1)
    #expect(eu["idle east.orders.us-1"] == nil)
  }
}
