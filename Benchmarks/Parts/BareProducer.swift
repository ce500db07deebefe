internal import CRdKafka
internal import Glibc
internal import Support

/// Records written straight through librdkafka, as a client in C does it: as many under way as it was told, and the next one as soon
/// as a delivery report comes. Belongs to one thread, on which its reports come as well.
///
/// The only place of the benchmarks that touches librdkafka.
final class BareProducer {
  /// What the delivery reports say, for the callback, which can carry nothing else.
  private struct Tally {
    var acknowledged = 0
    var failed = 0
  }

  private let handle: OpaquePointer
  private let tally: UnsafeMutablePointer<Tally>
  private var sent = 0

  /// Connects by itself afterwards; librdkafka's threads are born in the network namespace of the calling thread.
  ///
  /// - Throws: ``Problem`` naming what librdkafka refuses.
  init(_ properties: [String: String]) throws {
    guard let configuration = rd_kafka_conf_new() else { throw Problem(.fail, "rd_kafka_conf_new gave nothing") }
    var reason = [CChar](repeating: 0, count: 512)
    for (name, value) in properties.sorted(by: { $0.key < $1.key }) {
      guard rd_kafka_conf_set(configuration, name, value, &reason, reason.count) == RD_KAFKA_CONF_OK else {
        rd_kafka_conf_destroy(configuration)
        throw Problem(.fail, at: name, "librdkafka refuses '\(value)'")
      }
    }
    let tally = UnsafeMutablePointer<Tally>.allocate(capacity: 1)
    tally.initialize(to: Tally())
    rd_kafka_conf_set_opaque(configuration, tally)
    rd_kafka_conf_set_dr_msg_cb(configuration) { _, message, opaque in
      guard let message, let tally = opaque?.assumingMemoryBound(to: Tally.self) else { return }
      if message.pointee.err == RD_KAFKA_RESP_ERR_NO_ERROR {
        tally.pointee.acknowledged += 1
      } else {
        tally.pointee.failed += 1
      }
    }
    guard let handle = rd_kafka_new(RD_KAFKA_PRODUCER, configuration, &reason, reason.count) else {
      rd_kafka_conf_destroy(configuration)
      tally.deallocate()
      throw Problem(.fail, "librdkafka starts no producer")
    }
    self.handle = handle
    self.tally = tally
  }

  deinit {
    rd_kafka_destroy(handle)
    tally.deallocate()
  }

  /// Writes until `deadline` (ns, monotonic) and waits for the last reports. Blocks.
  ///
  /// - Parameters:
  ///   - key: of each record; `nil` is none.
  ///   - headers: of each record.
  ///   - width: how many records are under way at once.
  /// - Returns: how many records were acknowledged.
  /// - Throws: ``Problem`` if one was not.
  func write(
    to topic: String, partition: Int32, key: [UInt8]? = nil, value: [UInt8],
    headers: [(name: String, value: [UInt8])], width: Int, until deadline: Int64
  ) throws -> Int {
    let before = tally.pointee
    while Timebase.system.monotonic() < deadline {
      while sent - tally.pointee.acknowledged - tally.pointee.failed < width {
        try produce(topic, partition, key, value, headers)
      }
      rd_kafka_poll(handle, 100)
    }
    while sent > tally.pointee.acknowledged + tally.pointee.failed {
      guard rd_kafka_poll(handle, 10_000) > 0 else { throw Problem(.fail, "the last reports do not come") }
    }
    guard tally.pointee.failed == before.failed else {
      throw Problem(.fail, "\(tally.pointee.failed) records were not acknowledged")
    }
    return tally.pointee.acknowledged - before.acknowledged
  }

  private func produce(
    _ topic: String, _ partition: Int32, _ key: [UInt8]?, _ value: [UInt8],
    _ headers: [(name: String, value: [UInt8])]
  ) throws {
    func argument(_ type: rd_kafka_vtype_t, _ fill: (inout rd_kafka_vu_t) -> Void) -> rd_kafka_vu_t {
      var argument = rd_kafka_vu_t()
      argument.vtype = type
      fill(&argument)
      return argument
    }
    // What librdkafka copies, in one buffer that lives for the call.
    var bytes = Array(topic.utf8) + [0] + value + (key ?? [])
    let names = headers.map { header -> (name: Int, value: Int, count: Int) in
      let name = bytes.count
      bytes += Array(header.name.utf8) + [0]
      let value = bytes.count
      bytes += header.value
      return (name, value, header.value.count)
    }
    let error = bytes.withUnsafeMutableBytes { buffer -> OpaquePointer? in
      guard let base = buffer.baseAddress else { preconditionFailure("a buffer that is not empty") }
      var arguments = [
        argument(RD_KAFKA_VTYPE_TOPIC) { $0.u.cstr = UnsafePointer(base.assumingMemoryBound(to: CChar.self)) },
        argument(RD_KAFKA_VTYPE_MSGFLAGS) { $0.u.i = Int32(RD_KAFKA_MSG_F_COPY) },
        argument(RD_KAFKA_VTYPE_PARTITION) { $0.u.i32 = partition },
        argument(RD_KAFKA_VTYPE_VALUE) {
          $0.u.mem.ptr = base + topic.utf8.count + 1
          $0.u.mem.size = value.count
        },
      ]
      if let key {
        arguments.append(
          argument(RD_KAFKA_VTYPE_KEY) {
            $0.u.mem.ptr = base + topic.utf8.count + 1 + value.count
            $0.u.mem.size = key.count
          })
      }
      for header in names {
        arguments.append(
          argument(RD_KAFKA_VTYPE_HEADER) {
            $0.u.header.name = UnsafePointer((base + header.name).assumingMemoryBound(to: CChar.self))
            $0.u.header.val = UnsafeRawPointer(base + header.value)
            $0.u.header.size = header.count
          })
      }
      return rd_kafka_produceva(handle, arguments, arguments.count)
    }
    if let error {
      defer { rd_kafka_error_destroy(error) }
      throw Problem(.fail, "librdkafka takes no record: \(String(cString: rd_kafka_error_string(error)))")
    }
    sent += 1
  }
}
