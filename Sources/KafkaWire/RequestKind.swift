/// What a request is for, as far as a guard must know it.
public enum RequestClass: String, Sendable, Hashable, CaseIterable {
  /// It changes what the cluster is: topics, configurations, rights, quotas, placement, versions, groups that do not run.
  case administration
  /// It moves records, or belongs to a client that does: produce, fetch, groups, transactions, the hand-shakes before them.
  case data
  /// It only asks.
  case inquiry
  /// Brokers and controllers send it to each other; no client does.
  case betweenBrokers
}

/// One row of the table of requests.
public struct RequestKind: Sendable, Hashable {
  /// The number in the header.
  public var apiKey: Int16
  /// Its name in Kafka.
  public var name: String
  /// What it is for.
  public var kind: RequestClass
  /// The highest version that is known here.
  public var lastVersion: Int16
  /// The first version with compact types and tagged fields (KIP-482); `nil` for none.
  public var flexibleFrom: Int16?

  /// The row of `apiKey`; `nil` for one that Kafka 4.3 does not have.
  public static func of(_ apiKey: Int16) -> RequestKind? {
    guard apiKey >= 0, Int(apiKey) < table.count else { return nil }
    return table[Int(apiKey)]
  }

  /// Whether `version` of this request has compact types.
  public func isFlexible(_ version: Int16) -> Bool { flexibleFrom.map { version >= $0 } ?? false }

  /// All requests of Kafka 4.3.1, by number (the message schemas in `org.apache.kafka:kafka-clients`, `common/message/*.json`).
  public static let table: [RequestKind] = rows.enumerated().map { number, row in
    RequestKind(
      apiKey: Int16(number), name: row.name, kind: row.kind, lastVersion: row.last, flexibleFrom: row.flexible)
  }

  private typealias Row = (name: String, kind: RequestClass, last: Int16, flexible: Int16?)

  private static let rows: [Row] = [
    ("Produce", .data, 13, 9), ("Fetch", .data, 18, 12), ("ListOffsets", .inquiry, 11, 6),
    ("Metadata", .inquiry, 13, 9),
    ("LeaderAndIsr", .betweenBrokers, 7, 4), ("StopReplica", .betweenBrokers, 4, 2),
    ("UpdateMetadata", .betweenBrokers, 8, 6), ("ControlledShutdown", .betweenBrokers, 3, 3),
    ("OffsetCommit", .data, 10, 8), ("OffsetFetch", .data, 10, 6), ("FindCoordinator", .data, 6, 3),
    ("JoinGroup", .data, 9, 6), ("Heartbeat", .data, 4, 4), ("LeaveGroup", .data, 5, 4), ("SyncGroup", .data, 5, 4),
    ("DescribeGroups", .inquiry, 6, 5), ("ListGroups", .inquiry, 5, 3), ("SaslHandshake", .data, 1, nil),
    ("ApiVersions", .data, 4, 3), ("CreateTopics", .administration, 7, 5), ("DeleteTopics", .administration, 6, 4),
    ("DeleteRecords", .administration, 2, 2), ("InitProducerId", .data, 6, 2), ("OffsetForLeaderEpoch", .data, 4, 4),
    ("AddPartitionsToTxn", .data, 5, 3), ("AddOffsetsToTxn", .data, 4, 3), ("EndTxn", .data, 5, 3),
    // Sent between brokers too, but also by an operator who aborts somebody's transaction.
    ("WriteTxnMarkers", .administration, 2, 1),
    ("TxnOffsetCommit", .data, 5, 3), ("DescribeAcls", .inquiry, 3, 2), ("CreateAcls", .administration, 3, 2),
    ("DeleteAcls", .administration, 3, 2), ("DescribeConfigs", .inquiry, 4, 4),
    ("AlterConfigs", .administration, 2, 2), ("AlterReplicaLogDirs", .administration, 2, 2),
    ("DescribeLogDirs", .inquiry, 5, 2), ("SaslAuthenticate", .data, 2, 2),
    ("CreatePartitions", .administration, 3, 2), ("CreateDelegationToken", .administration, 3, 2),
    ("RenewDelegationToken", .administration, 2, 2), ("ExpireDelegationToken", .administration, 2, 2),
    ("DescribeDelegationToken", .inquiry, 3, 2), ("DeleteGroups", .administration, 2, 2),
    ("ElectLeaders", .administration, 2, 2), ("IncrementalAlterConfigs", .administration, 1, 1),
    ("AlterPartitionReassignments", .administration, 1, 0), ("ListPartitionReassignments", .inquiry, 0, 0),
    ("OffsetDelete", .administration, 0, nil), ("DescribeClientQuotas", .inquiry, 1, 1),
    ("AlterClientQuotas", .administration, 1, 1), ("DescribeUserScramCredentials", .inquiry, 0, 0),
    ("AlterUserScramCredentials", .administration, 0, 0), ("Vote", .betweenBrokers, 2, 0),
    ("BeginQuorumEpoch", .betweenBrokers, 1, 1), ("EndQuorumEpoch", .betweenBrokers, 1, 1),
    ("DescribeQuorum", .inquiry, 2, 0), ("AlterPartition", .betweenBrokers, 3, 0),
    ("UpdateFeatures", .administration, 2, 0),
    // Carries a request of somebody else, which could be any.
    ("Envelope", .betweenBrokers, 0, 0),
    ("FetchSnapshot", .betweenBrokers, 1, 0), ("DescribeCluster", .inquiry, 2, 0),
    ("DescribeProducers", .inquiry, 0, 0), ("BrokerRegistration", .betweenBrokers, 4, 0),
    ("BrokerHeartbeat", .betweenBrokers, 2, 0), ("UnregisterBroker", .administration, 0, 0),
    ("DescribeTransactions", .inquiry, 0, 0), ("ListTransactions", .inquiry, 2, 0),
    ("AllocateProducerIds", .betweenBrokers, 0, 0), ("ConsumerGroupHeartbeat", .data, 1, 0),
    ("ConsumerGroupDescribe", .inquiry, 1, 0), ("ControllerRegistration", .betweenBrokers, 0, 0),
    ("GetTelemetrySubscriptions", .data, 0, 0), ("PushTelemetry", .data, 0, 0),
    ("AssignReplicasToDirs", .betweenBrokers, 0, 0), ("ListConfigResources", .inquiry, 1, 0),
    ("DescribeTopicPartitions", .inquiry, 0, 0), ("ShareGroupHeartbeat", .data, 1, 0),
    ("ShareGroupDescribe", .inquiry, 1, 0), ("ShareFetch", .data, 2, 0), ("ShareAcknowledge", .data, 2, 0),
    ("AddRaftVoter", .administration, 1, 0), ("RemoveRaftVoter", .administration, 0, 0),
    ("UpdateRaftVoter", .betweenBrokers, 0, 0), ("InitializeShareGroupState", .betweenBrokers, 0, 0),
    ("ReadShareGroupState", .betweenBrokers, 0, 0), ("WriteShareGroupState", .betweenBrokers, 1, 0),
    ("DeleteShareGroupState", .betweenBrokers, 0, 0), ("ReadShareGroupStateSummary", .betweenBrokers, 1, 0),
    ("StreamsGroupHeartbeat", .data, 0, 0), ("StreamsGroupDescribe", .inquiry, 0, 0),
    ("DescribeShareGroupOffsets", .inquiry, 1, 0), ("AlterShareGroupOffsets", .administration, 0, 0),
    ("DeleteShareGroupOffsets", .administration, 0, 0),
  ]
}

extension RequestKind {
  /// Whether a Produce request asks for no answer at all (`acks=0`): then none may be waited for.
  ///
  /// - Parameters:
  ///   - frame: the request from its header on; the beginning is enough.
  /// - Returns: `nil` when the bytes end before it can be told.
  public static func expectsNoAnswer(_ header: RequestHeader, frame: ArraySlice<UInt8>) -> Bool? {
    guard header.apiKey == 0 else { return false }
    var reader = WireReader(frame)
    do throws(WireError) {
      _ = try RequestHeader(&reader)
      if header.apiVersion >= 9 {
        try reader.skipTags()
        let length = try reader.unsignedVarint()
        if length > 0 { _ = try reader.take(Int(length) - 1) }
      } else if header.apiVersion >= 3 {
        let length = try reader.integer(Int16.self)
        if length > 0 { _ = try reader.take(Int(length)) }
      }
      return try reader.integer(Int16.self) == 0
    } catch {
      return nil
    }
  }
}
