internal import CRdKafka
internal import Glibc
internal import Support
internal import Synchronization

/// One librdkafka client. The only place that touches librdkafka; everything that blocks says so, and is called on a thread of
/// the caller's own.
///
/// librdkafka's threads are born in the network namespace of the thread that calls ``init(_:_:)``, and so are its sockets.
// proof: `handle` never changes, and librdkafka's calls are safe from any thread
final class RdKafka: @unchecked Sendable {
  /// Which half of librdkafka it is.
  enum Role {
    case producer, consumer
  }

  /// What librdkafka's callbacks leave behind.
  final class Board: Sendable {
    struct Contents {
      /// Errors of a broker or of all of them, so far.
      var transportErrors = 0
      var lastError: String?
      /// That a broker did not believe this client, or proved to be somebody else, since the last connection that came about.
      var distrust: KafkaFailure?
      var fatal: KafkaFailure?
    }

    private let contents = Mutex(Contents())

    var now: Contents { contents.withLock { $0 } }
    func note(_ change: (inout Contents) -> Void) { contents.withLock { change(&$0) } }
  }

  /// Whom the delivery report of one record goes to.
  final class Recipient: Sendable {
    let report: @Sendable (KafkaDelivery) -> Void
    init(_ report: @escaping @Sendable (KafkaDelivery) -> Void) { self.report = report }
  }

  let board = Board()
  let role: Role
  private let handle: OpaquePointer
  private let reports = Mutex<ReportThread?>(nil)
  private let closed = Atomic<Bool>(false)

  /// Makes the client; it connects by itself afterwards.
  ///
  /// - Throws: ``KafkaFailure`` of kind `property` naming the one that librdkafka refuses.
  init(_ role: Role, _ properties: [(name: String, value: String)]) throws(KafkaFailure) {
    guard let configuration = rd_kafka_conf_new() else { preconditionFailure("rd_kafka_conf_new") }
    var reason = [CChar](repeating: 0, count: 512)
    for (name, value) in properties {
      guard rd_kafka_conf_set(configuration, name, value, &reason, reason.count) == RD_KAFKA_CONF_OK else {
        rd_kafka_conf_destroy(configuration)
        throw Self.refused("property \(name)", text(reason))
      }
    }
    rd_kafka_conf_set_opaque(configuration, Unmanaged.passUnretained(board).toOpaque())
    rd_kafka_conf_set_error_cb(configuration, noteError)
    rd_kafka_conf_set_log_cb(configuration, ignoreLog)
    if role == .producer { rd_kafka_conf_set_dr_msg_cb(configuration, reportDelivery) }
    // On success the client owns the configuration.
    guard
      let handle = rd_kafka_new(
        role == .producer ? RD_KAFKA_PRODUCER : RD_KAFKA_CONSUMER, configuration, &reason, reason.count)
    else {
      rd_kafka_conf_destroy(configuration)
      throw Self.refused("start of a client", text(reason))
    }
    self.handle = handle
    self.role = role
    if role == .consumer { rd_kafka_poll_set_consumer(handle) }
  }

  /// Has a producer's callbacks served from here on, by a thread that is born in the network namespace of the calling one: not the
  /// one in which ``init(_:_:)`` was called, as that thread wakes those of the pool.
  ///
  /// - Returns: where tasks are best run that wait for delivery reports.
  @discardableResult
  func startReports() -> ReportThread {
    guard let queue = rd_kafka_queue_get_main(handle) else { preconditionFailure("rd_kafka_queue_get_main") }
    let callbacks = Callbacks(handle, queue)
    let thread = ReportThread(serving: callbacks)
    let before = reports.withLock { reports in
      defer { reports = thread }
      return reports
    }
    precondition(role == .producer && before == nil, "a client's callbacks are served by one thread")
    return thread
  }

  deinit {
    // Only a client that nobody closed: it must not go on, whatever the wait.
    if !closed.load(ordering: .acquiring) { close() }
  }

  /// Ends the client: leaves its group, drops what was not sent (their reports come first). Blocks until its threads ended.
  func close() {
    guard closed.compareExchange(expected: false, desired: true, ordering: .acquiringAndReleasing).exchanged else {
      return
    }
    switch role {
    case .producer:
      rd_kafka_purge(handle, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT)
      rd_kafka_flush(handle, 1000)
      reports.withLock { reports in
        reports?.leave()
        reports = nil
      }
      // What nobody came to any more.
      while rd_kafka_poll(handle, 0) > 0 {}
      rd_kafka_destroy(handle)
    case .consumer:
      rd_kafka_destroy_flags(handle, 0)
    }
  }

  /// Whether librdkafka has a property of that name, of clients or of topics.
  static func knows(property name: String) -> Bool {
    guard let configuration = rd_kafka_conf_new() else { preconditionFailure("rd_kafka_conf_new") }
    defer { rd_kafka_conf_destroy(configuration) }
    // Taken back to what it is by itself, which a name that is none cannot be. What is a topic's is passed on.
    var reason = [CChar](repeating: 0, count: 512)
    return rd_kafka_conf_set(configuration, name, nil, &reason, reason.count) != RD_KAFKA_CONF_UNKNOWN
  }

  /// The names of the properties that have a value from the first, of clients and of topics.
  static func namesWithDefaults() -> Set<String> {
    guard let configuration = rd_kafka_conf_new() else { preconditionFailure("rd_kafka_conf_new") }
    defer { rd_kafka_conf_destroy(configuration) }
    guard let topic = rd_kafka_topic_conf_new() else { preconditionFailure("rd_kafka_topic_conf_new") }
    defer { rd_kafka_topic_conf_destroy(topic) }
    var names: Set<String> = []
    func add(_ dumped: UnsafeMutablePointer<UnsafePointer<CChar>?>?, _ count: Int) {
      guard let dumped else { return }
      // Names and values in turn.
      for place in stride(from: 0, to: count, by: 2) {
        if let name = dumped[place] { names.insert(String(cString: name)) }
      }
      rd_kafka_conf_dump_free(dumped, count)
    }
    var count = 0
    add(rd_kafka_conf_dump(configuration, &count), count)
    add(rd_kafka_topic_conf_dump(topic, &count), count)
    return names
  }

  // MARK: Producing

  /// Queues one record; its report goes to `recipient`, from the client's report thread.
  ///
  /// - Returns: why it was not queued; `recipient` hears nothing then.
  func produce(_ record: KafkaRecord, _ recipient: Recipient) -> KafkaFailure? {
    // One buffer for all that librdkafka copies, so that one pointer serves.
    var bytes: [UInt8] = []
    bytes.reserveCapacity(record.topic.utf8.count + (record.key?.count ?? 0) + (record.value?.count ?? 0) + 160)
    func place(_ part: some Sequence<UInt8>, terminated: Bool = false) -> Range<Int> {
      let start = bytes.count
      bytes.append(contentsOf: part)
      let range = start..<bytes.count
      if terminated { bytes.append(0) }
      return range
    }
    let topic = place(record.topic.utf8, terminated: true)
    let key = record.key.map { place($0) }
    let value = record.value.map { place($0) }
    let headers = record.headers.map { (place($0.name.utf8, terminated: true), $0.value.map { place($0) }) }
    if bytes.isEmpty { bytes.append(0) }

    let context = Unmanaged.passRetained(recipient)  // released by the report, or below
    let error = bytes.withUnsafeMutableBytes { buffer -> OpaquePointer? in
      guard let base = buffer.baseAddress else { preconditionFailure("a buffer that is not empty") }
      func vu(_ type: rd_kafka_vtype_t, _ fill: (inout rd_kafka_vu_t) -> Void) -> rd_kafka_vu_t {
        var argument = rd_kafka_vu_t()
        argument.vtype = type
        fill(&argument)
        return argument
      }
      var arguments = [
        vu(RD_KAFKA_VTYPE_TOPIC) {
          $0.u.cstr = UnsafePointer((base + topic.lowerBound).assumingMemoryBound(to: CChar.self))
        },
        vu(RD_KAFKA_VTYPE_MSGFLAGS) { $0.u.i = Int32(RD_KAFKA_MSG_F_COPY) },
        vu(RD_KAFKA_VTYPE_OPAQUE) { $0.u.ptr = context.toOpaque() },
      ]
      if let partition = record.partition { arguments.append(vu(RD_KAFKA_VTYPE_PARTITION) { $0.u.i32 = partition }) }
      if let time = record.timestampMilliseconds { arguments.append(vu(RD_KAFKA_VTYPE_TIMESTAMP) { $0.u.i64 = time }) }
      for (type, range) in [(RD_KAFKA_VTYPE_KEY, key), (RD_KAFKA_VTYPE_VALUE, value)] {
        guard let range else { continue }
        arguments.append(
          vu(type) {
            $0.u.mem.ptr = base + range.lowerBound
            $0.u.mem.size = range.count
          })
      }
      for (name, content) in headers {
        arguments.append(
          vu(RD_KAFKA_VTYPE_HEADER) {
            $0.u.header.name = UnsafePointer((base + name.lowerBound).assumingMemoryBound(to: CChar.self))
            $0.u.header.val = content.map { UnsafeRawPointer(base + $0.lowerBound) }
            $0.u.header.size = content?.count ?? 0
          })
      }
      return rd_kafka_produceva(handle, arguments, arguments.count)
    }
    guard let error else { return nil }
    context.release()
    return failure("record for \(record.topic)", consuming: error)
  }

  /// Waits until every record has its report. Blocks.
  func flush(within limit: Duration) throws(KafkaFailure) {
    try check("flush", rd_kafka_flush(handle, milliseconds(limit)))
  }

  /// Records without a report yet.
  var pending: Int { Int(rd_kafka_outq_len(handle)) }

  // MARK: Transactions. All of them block.

  func initTransactions(within limit: Duration) throws(KafkaFailure) {
    try check("start of transactions", rd_kafka_init_transactions(handle, milliseconds(limit)))
  }

  func beginTransaction() throws(KafkaFailure) {
    try check("begin of a transaction", rd_kafka_begin_transaction(handle))
  }

  /// Adds the offsets that `consumer`'s group has processed to the open transaction.
  func sendOffsets(
    _ offsets: [KafkaPartition: Int64], of consumer: RdKafka, within limit: Duration
  ) throws(KafkaFailure) {
    let list = partitionList(offsets)
    defer { rd_kafka_topic_partition_list_destroy(list) }
    guard let group = rd_kafka_consumer_group_metadata(consumer.handle) else {
      throw Self.refused("offsets in a transaction", "the consumer has no group", kind: .other)
    }
    defer { rd_kafka_consumer_group_metadata_destroy(group) }
    try check(
      "offsets in a transaction", rd_kafka_send_offsets_to_transaction(handle, list, group, milliseconds(limit)))
  }

  func commitTransaction(within limit: Duration) throws(KafkaFailure) {
    try check("commit of a transaction", rd_kafka_commit_transaction(handle, milliseconds(limit)))
  }

  func abortTransaction(within limit: Duration) throws(KafkaFailure) {
    try check("abort of a transaction", rd_kafka_abort_transaction(handle, milliseconds(limit)))
  }

  // MARK: Consuming

  func subscribe(_ topics: [String]) throws(KafkaFailure) {
    guard let list = rd_kafka_topic_partition_list_new(Int32(topics.count)) else {
      preconditionFailure("out of memory")
    }
    defer { rd_kafka_topic_partition_list_destroy(list) }
    for topic in topics { rd_kafka_topic_partition_list_add(list, topic, -1) }
    try check("subscription to \(topics.joined(separator: ", "))", rd_kafka_subscribe(handle, list))
  }

  func assign(_ places: [KafkaPartition: KafkaStart]) throws(KafkaFailure) {
    let list = partitionList(
      places.mapValues { start -> Int64 in
        switch start {
        case .beginning: Int64(RD_KAFKA_OFFSET_BEGINNING)
        case .end: Int64(RD_KAFKA_OFFSET_END)
        case .offset(let offset): offset
        case .committed: Int64(RD_KAFKA_OFFSET_STORED)
        }
      })
    defer { rd_kafka_topic_partition_list_destroy(list) }
    try check("assignment of partitions", rd_kafka_assign(handle, list))
  }

  func assignment() throws(KafkaFailure) -> [KafkaPartition] {
    var list: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?
    try check("assignment", rd_kafka_assignment(handle, &list))
    defer { rd_kafka_topic_partition_list_destroy(list) }
    return offsets(list).keys.sorted()
  }

  /// Waits for the next record. Blocks, for `limit` at most.
  ///
  /// - Returns: `nil` when there was none in time.
  func poll(within limit: Duration) throws(KafkaFailure) -> KafkaReading? {
    guard let message = rd_kafka_consumer_poll(handle, milliseconds(limit)) else { return nil }
    defer { rd_kafka_message_destroy(message) }
    let code = message.pointee.err
    let topic = message.pointee.rkt.map { String(cString: rd_kafka_topic_name($0)) } ?? ""
    let partition = KafkaPartition(topic, message.pointee.partition)
    if code == RD_KAFKA_RESP_ERR__PARTITION_EOF { return .end(partition, offset: message.pointee.offset) }
    if code != RD_KAFKA_RESP_ERR_NO_ERROR {
      let why = rd_kafka_message_errstr(message).map { String(cString: $0) }
      throw failure("read\(topic.isEmpty ? "" : " of \(topic)")", code, why)
    }
    return .message(copy(message, partition))
  }

  /// Commits offsets of the group: each the one that is read next. Blocks.
  func commit(_ offsets: [KafkaPartition: Int64]) throws(KafkaFailure) {
    let list = partitionList(offsets)
    defer { rd_kafka_topic_partition_list_destroy(list) }
    try check("commit of offsets", rd_kafka_commit(handle, list, 0))
    for entry in entries(list) { try check("commit of \(name(entry))", entry.err) }
  }

  /// What the group committed; partitions without are left out. Blocks.
  func committed(_ partitions: [KafkaPartition], within limit: Duration) throws(KafkaFailure) -> [KafkaPartition: Int64]
  {
    let list = partitionList(Dictionary(uniqueKeysWithValues: partitions.map { ($0, Int64(RD_KAFKA_OFFSET_INVALID)) }))
    defer { rd_kafka_topic_partition_list_destroy(list) }
    try check("committed offsets", rd_kafka_committed(handle, list, milliseconds(limit)))
    for entry in entries(list) { try check("committed offset of \(name(entry))", entry.err) }
    return offsets(list).filter { $0.value >= 0 }
  }

  // MARK: Looking at a cluster. All of it blocks.

  func metadata(topic: String?, within limit: Duration) throws(KafkaFailure) -> KafkaMetadata {
    var found: UnsafePointer<rd_kafka_metadata>?
    let local = topic.flatMap { rd_kafka_topic_new(handle, $0, nil) }
    defer { if let local { rd_kafka_topic_destroy(local) } }
    try check(
      "metadata", rd_kafka_metadata(handle, topic == nil ? 1 : 0, local, &found, milliseconds(limit)))
    guard let found else { preconditionFailure("rd_kafka_metadata without an error and without a result") }
    board.note { $0.distrust = nil }
    defer { rd_kafka_metadata_destroy(found) }
    var result = KafkaMetadata(clusterID: nil, brokers: [], topics: [:])
    for broker in UnsafeBufferPointer(start: found.pointee.brokers, count: Int(found.pointee.broker_cnt)) {
      result.brokers.append(
        .init(id: broker.id, address: "\(broker.host.map { String(cString: $0) } ?? ""):\(broker.port)"))
    }
    result.brokers.sort { $0.id < $1.id }
    for topic in UnsafeBufferPointer(start: found.pointee.topics, count: Int(found.pointee.topic_cnt)) {
      let name = String(cString: topic.topic)
      try check("metadata of \(name)", topic.err)
      result.topics[name] = UnsafeBufferPointer(start: topic.partitions, count: Int(topic.partition_cnt)).map {
        partition in
        KafkaMetadata.Partition(
          number: partition.id, leader: partition.leader >= 0 ? partition.leader : nil,
          replicas: Array(UnsafeBufferPointer(start: partition.replicas, count: Int(partition.replica_cnt))),
          inSync: Array(UnsafeBufferPointer(start: partition.isrs, count: Int(partition.isr_cnt))))
      }.sorted { $0.number < $1.number }
    }
    if let id = rd_kafka_clusterid(handle, 0) {
      result.clusterID = String(cString: id)
      rd_kafka_mem_free(handle, id)
    }
    return result
  }

  func watermarks(_ partition: KafkaPartition, within limit: Duration) throws(KafkaFailure) -> KafkaWatermarks {
    var low: Int64 = 0
    var high: Int64 = 0
    try check(
      "offsets of \(partition)",
      rd_kafka_query_watermark_offsets(handle, partition.topic, partition.number, &low, &high, milliseconds(limit)))
    return KafkaWatermarks(low: low, high: high)
  }

  // MARK: Administration. All of it blocks.

  func createTopics(
    _ topics: [KafkaTopicSpecification], within limit: Duration
  ) throws(KafkaFailure) -> [String: KafkaFailure] {
    var made: [OpaquePointer?] = []
    defer { rd_kafka_NewTopic_destroy_array(&made, made.count) }
    var reason = [CChar](repeating: 0, count: 512)
    for topic in topics {
      guard
        let new = rd_kafka_NewTopic_new(
          topic.name, Int32(clamping: topic.partitions), Int32(clamping: topic.replicationFactor), &reason, reason.count
        )
      else { throw Self.refused("topic \(topic.name)", text(reason)) }
      made.append(new)
      for (name, value) in topic.configuration {
        try check("\(name) of topic \(topic.name)", rd_kafka_NewTopic_set_config(new, name, value))
      }
    }
    let event = try answer("creation of topics", RD_KAFKA_ADMIN_OP_CREATETOPICS, within: limit, waits: true) {
      rd_kafka_CreateTopics(handle, &made, made.count, $0, $1)
    }
    defer { rd_kafka_event_destroy(event) }
    var count = 0
    return topicFailures("creation of", rd_kafka_CreateTopics_result_topics(event, &count), count)
  }

  func deleteTopics(_ names: [String], within limit: Duration) throws(KafkaFailure) -> [String: KafkaFailure] {
    var doomed: [OpaquePointer?] = names.map { rd_kafka_DeleteTopic_new($0) }
    defer { rd_kafka_DeleteTopic_destroy_array(&doomed, doomed.count) }
    let event = try answer("deletion of topics", RD_KAFKA_ADMIN_OP_DELETETOPICS, within: limit, waits: true) {
      rd_kafka_DeleteTopics(handle, &doomed, doomed.count, $0, $1)
    }
    defer { rd_kafka_event_destroy(event) }
    var count = 0
    return topicFailures("deletion of", rd_kafka_DeleteTopics_result_topics(event, &count), count)
  }

  func configuration(ofTopic topic: String, within limit: Duration) throws(KafkaFailure) -> [String:
    KafkaConfigurationEntry]
  {
    var resources: [OpaquePointer?] = [rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic)]
    defer { rd_kafka_ConfigResource_destroy_array(&resources, resources.count) }
    let event = try answer("configuration of \(topic)", RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, within: limit) {
      rd_kafka_DescribeConfigs(handle, &resources, resources.count, $0, $1)
    }
    defer { rd_kafka_event_destroy(event) }
    var count = 0
    var result: [String: KafkaConfigurationEntry] = [:]
    for resource in UnsafeBufferPointer(start: rd_kafka_DescribeConfigs_result_resources(event, &count), count: count) {
      try check(
        "configuration of \(topic)", rd_kafka_ConfigResource_error(resource),
        rd_kafka_ConfigResource_error_string(resource))
      var entries = 0
      for entry in UnsafeBufferPointer(start: rd_kafka_ConfigResource_configs(resource, &entries), count: entries) {
        result[String(cString: rd_kafka_ConfigEntry_name(entry))] = KafkaConfigurationEntry(
          value: rd_kafka_ConfigEntry_value(entry).map { String(cString: $0) },
          isOwn: rd_kafka_ConfigEntry_source(entry) == RD_KAFKA_CONFIG_SOURCE_DYNAMIC_TOPIC_CONFIG)
      }
    }
    return result
  }

  /// Replaces the topic's own configuration by `entries`.
  func replaceConfiguration(
    ofTopic topic: String, by entries: [String: String], within limit: Duration
  ) throws(KafkaFailure) {
    guard let resource = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic) else {
      throw Self.refused("configuration of \(topic)", "the topic has no name")
    }
    var resources: [OpaquePointer?] = [resource]
    defer { rd_kafka_ConfigResource_destroy_array(&resources, resources.count) }
    for (name, value) in entries {
      try check("\(name) of topic \(topic)", rd_kafka_ConfigResource_set_config(resource, name, value))
    }
    let event = try answer("configuration of \(topic)", RD_KAFKA_ADMIN_OP_ALTERCONFIGS, within: limit) {
      rd_kafka_AlterConfigs(handle, &resources, resources.count, $0, $1)
    }
    defer { rd_kafka_event_destroy(event) }
    var count = 0
    for resource in UnsafeBufferPointer(start: rd_kafka_AlterConfigs_result_resources(event, &count), count: count) {
      try check(
        "configuration of \(topic)", rd_kafka_ConfigResource_error(resource),
        rd_kafka_ConfigResource_error_string(resource))
    }
  }

  func groupNames(within limit: Duration) throws(KafkaFailure) -> [String] {
    let event = try answer("list of consumer groups", RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPS, within: limit) {
      rd_kafka_ListConsumerGroups(handle, $0, $1)
    }
    defer { rd_kafka_event_destroy(event) }
    var count = 0
    for error in UnsafeBufferPointer(start: rd_kafka_ListConsumerGroups_result_errors(event, &count), count: count) {
      if let error { throw failure("list of consumer groups", borrowing: error) }
    }
    return UnsafeBufferPointer(start: rd_kafka_ListConsumerGroups_result_valid(event, &count), count: count)
      .compactMap { rd_kafka_ConsumerGroupListing_group_id($0).map { String(cString: $0) } }.sorted()
  }

  func groups(_ names: [String], within limit: Duration) throws(KafkaFailure) -> [KafkaGroup] {
    if names.isEmpty { return [] }
    let event = try answer("description of consumer groups", RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS, within: limit) {
      options, queue in
      withCStrings(names) { rd_kafka_DescribeConsumerGroups(handle, $0, names.count, options, queue) }
    }
    defer { rd_kafka_event_destroy(event) }
    var count = 0
    var result: [KafkaGroup] = []
    for group in UnsafeBufferPointer(start: rd_kafka_DescribeConsumerGroups_result_groups(event, &count), count: count)
    {
      let name = String(cString: rd_kafka_ConsumerGroupDescription_group_id(group))
      if let error = rd_kafka_ConsumerGroupDescription_error(group),
        rd_kafka_error_code(error) != RD_KAFKA_RESP_ERR_NO_ERROR
      {
        throw failure("description of group \(name)", borrowing: error)
      }
      let members = (0..<rd_kafka_ConsumerGroupDescription_member_count(group)).compactMap { place in
        rd_kafka_ConsumerGroupDescription_member(group, place).flatMap(rd_kafka_MemberDescription_client_id).map {
          String(cString: $0)
        }
      }
      let state: KafkaGroup.State =
        switch rd_kafka_ConsumerGroupDescription_state(group) {
        case RD_KAFKA_CONSUMER_GROUP_STATE_PREPARING_REBALANCE, RD_KAFKA_CONSUMER_GROUP_STATE_COMPLETING_REBALANCE:
          .rebalancing
        case RD_KAFKA_CONSUMER_GROUP_STATE_STABLE: .stable
        case RD_KAFKA_CONSUMER_GROUP_STATE_EMPTY: .empty
        case RD_KAFKA_CONSUMER_GROUP_STATE_DEAD: .dead
        default: .unknown
        }
      result.append(KafkaGroup(name: name, state: state, members: members.sorted()))
    }
    return result
  }

  /// All offsets that a group has committed.
  func offsets(ofGroup group: String, within limit: Duration) throws(KafkaFailure) -> [KafkaPartition: Int64] {
    var wanted: [OpaquePointer?] = [rd_kafka_ListConsumerGroupOffsets_new(group, nil)]
    defer { rd_kafka_ListConsumerGroupOffsets_destroy_array(&wanted, wanted.count) }
    let event = try answer("offsets of group \(group)", RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS, within: limit) {
      rd_kafka_ListConsumerGroupOffsets(handle, &wanted, wanted.count, $0, $1)
    }
    defer { rd_kafka_event_destroy(event) }
    var count = 0
    return try groupOffsets(
      "offsets of group \(group)", rd_kafka_ListConsumerGroupOffsets_result_groups(event, &count), count)
  }

  /// Sets offsets of a group without members.
  func setOffsets(
    ofGroup group: String, _ offsets: [KafkaPartition: Int64], within limit: Duration
  ) throws(KafkaFailure) {
    let list = partitionList(offsets)
    defer { rd_kafka_topic_partition_list_destroy(list) }
    var wanted: [OpaquePointer?] = [rd_kafka_AlterConsumerGroupOffsets_new(group, list)]
    defer { rd_kafka_AlterConsumerGroupOffsets_destroy_array(&wanted, wanted.count) }
    let event = try answer("offsets of group \(group)", RD_KAFKA_ADMIN_OP_ALTERCONSUMERGROUPOFFSETS, within: limit) {
      rd_kafka_AlterConsumerGroupOffsets(handle, &wanted, wanted.count, $0, $1)
    }
    defer { rd_kafka_event_destroy(event) }
    var count = 0
    _ = try groupOffsets(
      "offsets of group \(group)", rd_kafka_AlterConsumerGroupOffsets_result_groups(event, &count), count)
  }

  func deleteGroup(_ group: String, within limit: Duration) throws(KafkaFailure) {
    var doomed: [OpaquePointer?] = [rd_kafka_DeleteGroup_new(group)]
    defer { rd_kafka_DeleteGroup_destroy_array(&doomed, doomed.count) }
    let event = try answer("deletion of group \(group)", RD_KAFKA_ADMIN_OP_DELETEGROUPS, within: limit) {
      rd_kafka_DeleteGroups(handle, &doomed, doomed.count, $0, $1)
    }
    defer { rd_kafka_event_destroy(event) }
    var count = 0
    for result in UnsafeBufferPointer(start: rd_kafka_DeleteGroups_result_groups(event, &count), count: count) {
      if let error = rd_kafka_group_result_error(result) {
        throw failure("deletion of group \(group)", borrowing: error)
      }
    }
  }

  func acls(within limit: Duration) throws(KafkaFailure) -> Set<KafkaACL> {
    var reason = [CChar](repeating: 0, count: 512)
    guard
      let filter = rd_kafka_AclBindingFilter_new(
        RD_KAFKA_RESOURCE_ANY, nil, RD_KAFKA_RESOURCE_PATTERN_ANY, nil, nil, RD_KAFKA_ACL_OPERATION_ANY,
        RD_KAFKA_ACL_PERMISSION_TYPE_ANY, &reason, reason.count)
    else { throw Self.refused("list of access rules", text(reason)) }
    defer { rd_kafka_AclBinding_destroy(filter) }
    let event = try answer("list of access rules", RD_KAFKA_ADMIN_OP_DESCRIBEACLS, within: limit) {
      rd_kafka_DescribeAcls(handle, filter, $0, $1)
    }
    defer { rd_kafka_event_destroy(event) }
    var count = 0
    return Set(
      UnsafeBufferPointer(start: rd_kafka_DescribeAcls_result_acls(event, &count), count: count).compactMap {
        $0.flatMap(acl)
      }
    )
  }

  func createACLs(_ rules: [KafkaACL], within limit: Duration) throws(KafkaFailure) {
    var made = try bindings(rules)
    defer { rd_kafka_AclBinding_destroy_array(&made, made.count) }
    let event = try answer("creation of access rules", RD_KAFKA_ADMIN_OP_CREATEACLS, within: limit) {
      rd_kafka_CreateAcls(handle, &made, made.count, $0, $1)
    }
    defer { rd_kafka_event_destroy(event) }
    var count = 0
    for result in UnsafeBufferPointer(start: rd_kafka_CreateAcls_result_acls(event, &count), count: count) {
      if let error = rd_kafka_acl_result_error(result) { throw failure("creation of access rules", borrowing: error) }
    }
  }

  func deleteACLs(_ rules: [KafkaACL], within limit: Duration) throws(KafkaFailure) {
    // A filter is a binding to librdkafka; one without a wildcard finds itself alone.
    var doomed = try bindings(rules)
    defer { rd_kafka_AclBinding_destroy_array(&doomed, doomed.count) }
    let event = try answer("deletion of access rules", RD_KAFKA_ADMIN_OP_DELETEACLS, within: limit) {
      rd_kafka_DeleteAcls(handle, &doomed, doomed.count, $0, $1)
    }
    defer { rd_kafka_event_destroy(event) }
    var count = 0
    for result in UnsafeBufferPointer(start: rd_kafka_DeleteAcls_result_responses(event, &count), count: count) {
      if let error = rd_kafka_DeleteAcls_result_response_error(result) {
        throw failure("deletion of access rules", borrowing: error)
      }
    }
  }

  // MARK: In between

  /// Sends an administrative request and waits for its answer. The caller destroys it.
  private func answer(
    _ what: String, _ operation: rd_kafka_admin_op_t, within limit: Duration, waits: Bool = false,
    _ send: (OpaquePointer?, OpaquePointer?) -> Void
  ) throws(KafkaFailure) -> OpaquePointer {
    guard let options = rd_kafka_AdminOptions_new(handle, operation) else { preconditionFailure("no options: \(what)") }
    defer { rd_kafka_AdminOptions_destroy(options) }
    var reason = [CChar](repeating: 0, count: 512)
    try check(what, rd_kafka_AdminOptions_set_request_timeout(options, milliseconds(limit), &reason, reason.count))
    if waits {
      try check(what, rd_kafka_AdminOptions_set_operation_timeout(options, milliseconds(limit), &reason, reason.count))
    }
    guard let queue = rd_kafka_queue_new(handle) else { preconditionFailure("no queue: \(what)") }
    defer { rd_kafka_queue_destroy(queue) }
    send(options, queue)
    // librdkafka answers in any case at its own time-out; ours only bounds a defect of it.
    guard let event = rd_kafka_queue_poll(queue, milliseconds(limit) + 2000) else {
      throw failure(what, RD_KAFKA_RESP_ERR__TIMED_OUT, nil)
    }
    let code = rd_kafka_event_error(event)
    if code != RD_KAFKA_RESP_ERR_NO_ERROR {
      let why = rd_kafka_event_error_string(event).map { String(cString: $0) }
      rd_kafka_event_destroy(event)
      throw failure(what, code, why)
    }
    return event
  }

  private func topicFailures(
    _ what: String, _ results: UnsafeMutablePointer<OpaquePointer?>?, _ count: Int
  ) -> [String: KafkaFailure] {
    var found: [String: KafkaFailure] = [:]
    for result in UnsafeBufferPointer(start: results, count: count) {
      let code = rd_kafka_topic_result_error(result)
      if code == RD_KAFKA_RESP_ERR_NO_ERROR { continue }
      let name = String(cString: rd_kafka_topic_result_name(result))
      found[name] = failure(
        "\(what) topic \(name)", code, rd_kafka_topic_result_error_string(result).map { String(cString: $0) })
    }
    return found
  }

  private func groupOffsets(
    _ what: String, _ results: UnsafeMutablePointer<OpaquePointer?>?, _ count: Int
  ) throws(KafkaFailure) -> [KafkaPartition: Int64] {
    var found: [KafkaPartition: Int64] = [:]
    for result in UnsafeBufferPointer(start: results, count: count) {
      if let error = rd_kafka_group_result_error(result) { throw failure(what, borrowing: error) }
      let list = rd_kafka_group_result_partitions(result)
      for entry in entries(list) {
        try check("\(what), \(name(entry))", entry.err)
        if entry.offset >= 0 { found[KafkaPartition(String(cString: entry.topic), entry.partition)] = entry.offset }
      }
    }
    return found
  }

  private func bindings(_ rules: [KafkaACL]) throws(KafkaFailure) -> [OpaquePointer?] {
    var made: [OpaquePointer?] = []
    var reason = [CChar](repeating: 0, count: 512)
    for rule in rules {
      let type =
        switch rule.resource {
        case .topic: RD_KAFKA_RESOURCE_TOPIC
        case .group: RD_KAFKA_RESOURCE_GROUP
        case .cluster: RD_KAFKA_RESOURCE_BROKER
        }
      guard
        let binding = rd_kafka_AclBinding_new(
          type, rule.name, rule.isPrefix ? RD_KAFKA_RESOURCE_PATTERN_PREFIXED : RD_KAFKA_RESOURCE_PATTERN_LITERAL,
          rule.principal, rule.host, Self.operations[rule.operation] ?? RD_KAFKA_ACL_OPERATION_UNKNOWN,
          rule.allows ? RD_KAFKA_ACL_PERMISSION_TYPE_ALLOW : RD_KAFKA_ACL_PERMISSION_TYPE_DENY, &reason, reason.count)
      else {
        rd_kafka_AclBinding_destroy_array(&made, made.count)
        throw Self.refused("access rule \(rule)", text(reason))
      }
      made.append(binding)
    }
    return made
  }

  private func acl(_ binding: OpaquePointer) -> KafkaACL? {
    let resource: KafkaACL.Resource
    switch rd_kafka_AclBinding_restype(binding) {
    case RD_KAFKA_RESOURCE_TOPIC: resource = .topic
    case RD_KAFKA_RESOURCE_GROUP: resource = .group
    case RD_KAFKA_RESOURCE_BROKER: resource = .cluster
    default: return nil
    }
    let code = rd_kafka_AclBinding_operation(binding)
    guard let operation = Self.operations.first(where: { $0.value == code })?.key else { return nil }
    return KafkaACL(
      resource, String(cString: rd_kafka_AclBinding_name(binding)),
      isPrefix: rd_kafka_AclBinding_resource_pattern_type(binding) == RD_KAFKA_RESOURCE_PATTERN_PREFIXED,
      principal: String(cString: rd_kafka_AclBinding_principal(binding)),
      host: String(cString: rd_kafka_AclBinding_host(binding)), operation,
      allows: rd_kafka_AclBinding_permission_type(binding) == RD_KAFKA_ACL_PERMISSION_TYPE_ALLOW)
  }

  private static let operations: [KafkaACL.Operation: rd_kafka_AclOperation_t] = [
    .all: RD_KAFKA_ACL_OPERATION_ALL, .read: RD_KAFKA_ACL_OPERATION_READ, .write: RD_KAFKA_ACL_OPERATION_WRITE,
    .create: RD_KAFKA_ACL_OPERATION_CREATE, .delete: RD_KAFKA_ACL_OPERATION_DELETE,
    .alter: RD_KAFKA_ACL_OPERATION_ALTER,
    .describe: RD_KAFKA_ACL_OPERATION_DESCRIBE, .clusterAction: RD_KAFKA_ACL_OPERATION_CLUSTER_ACTION,
    .describeConfigurations: RD_KAFKA_ACL_OPERATION_DESCRIBE_CONFIGS,
    .alterConfigurations: RD_KAFKA_ACL_OPERATION_ALTER_CONFIGS,
    .idempotentWrite: RD_KAFKA_ACL_OPERATION_IDEMPOTENT_WRITE,
  ]

  private func copy(_ message: UnsafeMutablePointer<rd_kafka_message_t>, _ partition: KafkaPartition) -> KafkaMessage {
    func bytes(_ start: UnsafeRawPointer?, _ count: Int) -> [UInt8]? {
      start.map { Array(UnsafeRawBufferPointer(start: $0, count: count)) }
    }
    var type = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE
    let time = rd_kafka_message_timestamp(message, &type)
    var headers: [KafkaHeader] = []
    var list: OpaquePointer?
    if rd_kafka_message_headers(message, &list) == RD_KAFKA_RESP_ERR_NO_ERROR, let list {
      var name: UnsafePointer<CChar>?
      var value: UnsafeRawPointer?
      var size = 0
      while rd_kafka_header_get_all(list, headers.count, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR, let name {
        headers.append(KafkaHeader(String(cString: name), bytes(value, size)))
      }
    }
    return KafkaMessage(
      partition: partition, offset: message.pointee.offset,
      timestampMilliseconds: type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE ? nil : time,
      key: bytes(message.pointee.key, message.pointee.key_len),
      value: bytes(message.pointee.payload, message.pointee.len), headers: headers)
  }

  private typealias PartitionList = UnsafeMutablePointer<rd_kafka_topic_partition_list_t>

  /// A list that the caller destroys.
  private func partitionList(_ offsets: [KafkaPartition: Int64]) -> PartitionList {
    guard let list = rd_kafka_topic_partition_list_new(Int32(offsets.count)) else {
      preconditionFailure("out of memory")
    }
    for (partition, offset) in offsets {
      rd_kafka_topic_partition_list_add(list, partition.topic, partition.number)?.pointee.offset = offset
    }
    return list
  }

  private func entries(_ list: UnsafePointer<rd_kafka_topic_partition_list_t>?) -> [rd_kafka_topic_partition_t] {
    guard let list else { return [] }
    return Array(UnsafeBufferPointer(start: list.pointee.elems, count: Int(list.pointee.cnt)))
  }

  private func offsets(_ list: UnsafePointer<rd_kafka_topic_partition_list_t>?) -> [KafkaPartition: Int64] {
    Dictionary(
      entries(list).map { (KafkaPartition(String(cString: $0.topic), $0.partition), $0.offset) },
      uniquingKeysWith: { $1 })
  }

  private func name(_ entry: rd_kafka_topic_partition_t) -> String {
    "\(String(cString: entry.topic))-\(entry.partition)"
  }

  private func check(
    _ what: String, _ code: rd_kafka_resp_err_t, _ why: UnsafePointer<CChar>? = nil
  ) throws(KafkaFailure) {
    if code != RD_KAFKA_RESP_ERR_NO_ERROR { throw failure(what, code, why.map { String(cString: $0) }) }
  }

  private func check(_ what: String, _ error: OpaquePointer?) throws(KafkaFailure) {
    if let error { throw failure(what, consuming: error) }
  }

  private func failure(_ what: String, consuming error: OpaquePointer) -> KafkaFailure {
    defer { rd_kafka_error_destroy(error) }
    return failure(what, borrowing: error)
  }

  private func failure(_ what: String, borrowing error: OpaquePointer) -> KafkaFailure {
    var failure = failure(what, rd_kafka_error_code(error), rd_kafka_error_string(error).map { String(cString: $0) })
    failure.isFatal = failure.isFatal || rd_kafka_error_is_fatal(error) != 0
    failure.isRetriable = rd_kafka_error_is_retriable(error) != 0
    failure.requiresAbort = rd_kafka_error_txn_requires_abort(error) != 0
    return failure
  }

  private func failure(_ what: String, _ code: rd_kafka_resp_err_t, _ why: String?) -> KafkaFailure {
    // A fatal error says of itself only that it is one; what happened stands on the board.
    if code == RD_KAFKA_RESP_ERR__FATAL, var fatal = board.now.fatal {
      fatal.what = what
      return fatal
    }
    var failure = kafkaFailure(what, code, why)
    // A client that is not let in asks on, and hears of nothing but silence; why it was not stands on the board.
    if failure.kind == .unreachable || failure.kind == .timedOut, var distrust = board.now.distrust {
      distrust.what = what
      return distrust
    }
    if failure.kind == .unreachable || failure.kind == .timedOut, let last = board.now.lastError {
      failure.text += "; last of its connections: \(last)"
    }
    return failure
  }

  private static func refused(_ what: String, _ why: String, kind: KafkaFailure.Kind = .property) -> KafkaFailure {
    KafkaFailure(
      what: what, kind: kind, code: RD_KAFKA_RESP_ERR__INVALID_ARG.rawValue, name: "_INVALID_ARG", text: why)
  }

  /// A producer's callbacks.
  // proof: neither pointer changes, and librdkafka's calls are safe from any thread
  private final class Callbacks: ReportSource, @unchecked Sendable {
    private let handle: OpaquePointer
    private let queue: OpaquePointer

    init(_ handle: OpaquePointer, _ queue: OpaquePointer) {
      self.handle = handle
      self.queue = queue
    }

    func serve(milliseconds: Int32) { rd_kafka_poll(handle, milliseconds) }
    func interrupt() { rd_kafka_queue_yield(queue) }
    // Before the client is ended, which its queues must not outlive.
    func end() { rd_kafka_queue_destroy(queue) }
  }
}

/// The failure behind a number of librdkafka's.
private func kafkaFailure(_ what: String, _ code: rd_kafka_resp_err_t, _ why: String?) -> KafkaFailure {
  let kind: KafkaFailure.Kind =
    switch code {
    case RD_KAFKA_RESP_ERR__FENCED, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, RD_KAFKA_RESP_ERR_PRODUCER_FENCED: .fenced
    case RD_KAFKA_RESP_ERR__TIMED_OUT, RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE,
      RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
      .timedOut
    case RD_KAFKA_RESP_ERR__TRANSPORT, RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, RD_KAFKA_RESP_ERR__RESOLVE: .unreachable
    case RD_KAFKA_RESP_ERR__SSL: .untrusted
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED,
      RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
      RD_KAFKA_RESP_ERR__AUTHENTICATION, RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
      .notAllowed
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC,
      RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION,
      RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND:
      .notFound
    case RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS: .exists
    case RD_KAFKA_RESP_ERR__QUEUE_FULL: .queueFull
    default: .other
    }
  return KafkaFailure(
    what: what, kind: kind, code: code.rawValue, name: String(cString: rd_kafka_err2name(code)),
    text: why ?? String(cString: rd_kafka_err2str(code)), isFatal: code == RD_KAFKA_RESP_ERR__FENCED)
}

/// Called by librdkafka within `rd_kafka_poll` and `rd_kafka_flush`, on the thread that called it; the message's context is a
/// retained recipient.
private func reportDelivery(
  _ client: OpaquePointer?, _ message: UnsafePointer<rd_kafka_message_t>?, _ context: UnsafeMutableRawPointer?
) {
  guard let message, let own = message.pointee._private else { return }
  let recipient = Unmanaged<RdKafka.Recipient>.fromOpaque(own).takeRetainedValue()
  let topic = message.pointee.rkt.map { String(cString: rd_kafka_topic_name($0)) } ?? ""
  let code = message.pointee.err
  if code == RD_KAFKA_RESP_ERR_NO_ERROR {
    return recipient.report(
      .acknowledged(KafkaPartition(topic, message.pointee.partition), offset: message.pointee.offset))
  }
  let failure = kafkaFailure("record for \(topic)", code, nil)
  // librdkafka knows whether the record can have reached a broker. Of a time-out we do not believe it: what it calls not sent
  // may lie in the kernel's buffer.
  if code == RD_KAFKA_RESP_ERR__PURGE_QUEUE, let cause = fatalFailure(of: client, "record for \(topic)") {
    // It was thrown away because the client is of no use any more; what the matter is stands with the client.
    return recipient.report(.refused(cause))
  }
  let isKnown = rd_kafka_message_status(message) == RD_KAFKA_MSG_STATUS_NOT_PERSISTED && failure.kind != .timedOut
  recipient.report(isKnown ? .refused(failure) : .unknown(failure))
}

/// Why a client is of no use any more; `nil`: it is of use.
private func fatalFailure(of client: OpaquePointer?, _ what: String) -> KafkaFailure? {
  var buffer = [CChar](repeating: 0, count: 512)
  let cause = rd_kafka_fatal_error(client, &buffer, buffer.count)
  guard cause != RD_KAFKA_RESP_ERR_NO_ERROR else { return nil }
  var failure = kafkaFailure(what, cause, nil)
  failure.text = text(buffer)
  failure.isFatal = true
  return failure
}

/// Called by librdkafka within `rd_kafka_poll` and `rd_kafka_consumer_poll`; its context is the client's board.
private func noteError(
  _ client: OpaquePointer?, _ code: Int32, _ reason: UnsafePointer<CChar>?, _ context: UnsafeMutableRawPointer?
) {
  guard let context else { return }
  let board = Unmanaged<RdKafka.Board>.fromOpaque(context).takeUnretainedValue()
  let why = reason.map { String(cString: $0) } ?? ""
  let code = rd_kafka_resp_err_t(rawValue: code)
  board.note { contents in
    contents.lastError = why
    switch code {
    case RD_KAFKA_RESP_ERR__TRANSPORT, RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN: contents.transportErrors += 1
    case RD_KAFKA_RESP_ERR__AUTHENTICATION, RD_KAFKA_RESP_ERR__SSL:
      contents.distrust = kafkaFailure("the connection", code, why)
    case RD_KAFKA_RESP_ERR__FATAL:
      contents.fatal = fatalFailure(of: client, "the client") ?? contents.fatal
    default: break
    }
  }
}

/// Takes the place of librdkafka's own, which writes to standard error. Runs on its threads.
private func ignoreLog(
  _ client: OpaquePointer?, _ level: Int32, _ facility: UnsafePointer<CChar>?, _ text: UnsafePointer<CChar>?
) {}

private func milliseconds(_ limit: Duration) -> Int32 { Int32(clamping: max(0, limit.milliseconds)) }

private func text(_ buffer: [CChar]) -> String {
  String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

/// Calls `body` with an array of C strings that live as long as the call.
private func withCStrings(_ texts: [String], _ body: (UnsafeMutablePointer<UnsafePointer<CChar>?>?) -> Void) {
  var pointers: [UnsafePointer<CChar>?] = texts.map { UnsafePointer(strdup($0)) }
  defer { for pointer in pointers { free(UnsafeMutablePointer(mutating: pointer)) } }
  body(&pointers)
}
