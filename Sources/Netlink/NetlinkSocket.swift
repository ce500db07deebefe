internal import Glibc
internal import Synchronization

/// A netlink socket opened inside a namespace and used from anywhere, one request at a time.
///
/// Requests block until the kernel has answered, but never longer than the socket's limit.
/// The descriptor is close-on-exec: what the kernel ties to this socket must not live on in a child.
final class NetlinkSocket: Sendable {
  /// The netlink family.
  enum Bus: Int32 {
    case route = 0
    case socketDiagnosis = 4
    case netfilter = 12
  }

  /// One message of a transaction, and what it is about.
  struct Label: Sendable {
    var call: String
    var object: NetlinkObject
  }

  let namespaceName: String?
  private let limit: Duration
  private let state: Mutex<State>

  private struct State: Sendable {
    var endpoint: NetlinkEndpoint
    var sequence: UInt32 = 1
  }

  /// Opens a socket in `namespace`.
  ///
  /// - Parameters:
  ///   - openedByThisThread: the calling thread is in the namespace for good and opens the socket itself.
  ///   - bufferBytes: the largest request that is to fit in one datagram, and all of its answers.
  ///   - limit: how long an answer is waited for.
  init(
    _ bus: Bus, in namespace: NetworkNamespace, openedByThisThread: Bool = false, bufferBytes: Int32 = 1 << 20,
    limit: Duration = .seconds(5)
  ) throws(NetlinkError) {
    self.limit = limit
    let name = namespace.name
    namespaceName = name
    do {
      let endpoint =
        openedByThisThread
        ? try NetlinkEndpoint(bus, bufferBytes: bufferBytes, namespaceName: name)
        : try namespace.run { try NetlinkEndpoint(bus, bufferBytes: bufferBytes, namespaceName: name) }
      state = Mutex(State(endpoint: endpoint))
    } catch {
      var failure =
        error as? NetlinkError ?? NetlinkError(.incomplete("\(error)"), call: "socket", object: .socket)
      failure.namespace = name
      throw failure
    }
  }

  deinit {
    close()
  }

  /// Closes the socket: the kernel then removes every table that it owns. Closing twice is allowed.
  ///
  /// The call can take some 30 ms (the kernel waits for a grace period), though the tables have no effect from the start.
  func close() {
    let close = state.withLock { $0.endpoint.release() }
    close?()
  }

  /// The address the kernel knows this socket by; it is the owner of the tables made through it.
  var port: UInt32 { state.withLock { $0.endpoint.port } }

  /// Sends one request and waits for its acknowledgement.
  func request(
    _ label: Label, _ build: (inout MessageWriter, UInt32) throws(WireError) -> Void
  ) throws(NetlinkError) {
    _ = try transaction([label]) { (writer, first) throws(WireError) in try build(&writer, first) }
  }

  /// Sends `labels.count` messages with consecutive sequence numbers as one datagram and waits for the acknowledgement
  /// of the last one that asked for it.
  ///
  /// - Parameter build: writes the messages; its argument is the first sequence number.
  /// - Throws: the first of the kernel's refusals.
  func transaction(
    _ labels: [Label], _ build: (inout MessageWriter, UInt32) throws(WireError) -> Void
  ) throws(NetlinkError) {
    let failures = try exchange(labels, build)
    if let first = failures.first { throw first }
  }

  /// As ``transaction(_:_:)``, but returns all refusals; with even one, nothing of a batch was applied.
  func exchange(
    _ labels: [Label], _ build: (inout MessageWriter, UInt32) throws(WireError) -> Void
  ) throws(NetlinkError) -> [NetlinkError] {
    try locked { (state) throws(NetlinkError) in
      let first = state.sequence
      state.sequence &+= UInt32(labels.count)
      let whole = labels.first ?? Label(call: "send", object: .socket)
      let bytes = try self.build(whole, capacityBytes: 64 * labels.count) { (writer) throws(WireError) in
        try build(&writer, first)
      }
      try state.endpoint.send(bytes, whole)
      var failures: [NetlinkError] = []
      let deadline = ContinuousClock.now + self.limit
      // Every answer was queued before send returned; the deadline guards against a kernel that breaks this rule.
      while true {
        for message in try self.receive(&state.endpoint, whole, deadline: deadline) {
          let index = Int(message.sequence &- first)
          guard message.type == 2, labels.indices.contains(index) else { continue }
          if let failure = try self.failure(in: message, labels[index]) {
            failures.append(failure)
          } else {
            return failures
          }
        }
        if !failures.isEmpty, try !state.endpoint.isReadable(within: 0, whole) { return failures }
      }
    }
  }

  /// Sends a dump request and collects its answer, again if the kernel says that the list changed meanwhile.
  func dump(
    _ label: Label, _ build: (inout MessageWriter, UInt32) throws(WireError) -> Void
  ) throws(NetlinkError) -> [Message] {
    let tries = 20
    for _ in 0..<tries {
      if let messages = try dumpOnce(label, build) { return messages }
    }
    throw NetlinkError(.unstable(tries: tries), call: label.call, object: label.object, namespace: namespaceName)
  }

  /// Sends a request that is answered with one message and no acknowledgement.
  func get(
    _ label: Label, _ build: (inout MessageWriter, UInt32) throws(WireError) -> Void
  ) throws(NetlinkError) -> Message {
    try locked { (state) throws(NetlinkError) in
      let sequence = try self.start(label, &state, build)
      let deadline = ContinuousClock.now + self.limit
      while true {
        for message in try self.receive(&state.endpoint, label, deadline: deadline) where message.sequence == sequence {
          if message.type == 2, let failure = try self.failure(in: message, label) { throw failure }
          if message.type > 3 { return message }
        }
      }
    }
  }

  /// One try of a dump; `nil` if it must be repeated.
  private func dumpOnce(
    _ label: Label, _ build: (inout MessageWriter, UInt32) throws(WireError) -> Void
  ) throws(NetlinkError) -> [Message]? {
    try locked { (state) throws(NetlinkError) in
      let sequence = try self.start(label, &state, build)
      var messages: [Message] = []
      var interrupted = false
      let deadline = ContinuousClock.now + self.limit
      while true {
        let received: [Message]
        do throws(NetlinkError) {
          received = try self.receive(&state.endpoint, label, deadline: deadline)
        } catch {
          if error.reason == .overrun { return nil }
          throw error
        }
        for message in received where message.sequence == sequence {
          interrupted = interrupted || message.flags & 0x10 != 0  // NLM_F_DUMP_INTR
          switch message.type {
          case 2:
            if let failure = try self.failure(in: message, label) {
              // The tables changed between two parts of the dump.
              if failure.errno == EINTR || failure.errno == EAGAIN { return nil }
              throw failure
            }
          case 3:
            if let failure = try self.failure(in: message, label) {
              if failure.errno == EINTR || failure.errno == EAGAIN { return nil }
              throw failure
            }
            return interrupted ? nil : messages
          case 1: continue
          default: messages.append(message)
          }
        }
      }
    }
  }

  private func start(
    _ label: Label, _ state: inout State, _ build: (inout MessageWriter, UInt32) throws(WireError) -> Void
  ) throws(NetlinkError) -> UInt32 {
    let sequence = state.sequence
    state.sequence &+= 1
    let bytes = try self.build(label, capacityBytes: 128) { (writer) throws(WireError) in try build(&writer, sequence) }
    try state.endpoint.send(bytes, label)
    return sequence
  }

  /// Reads the error of a NLMSG_ERROR or NLMSG_DONE message; `nil` is success.
  private func failure(in message: Message, _ label: Label) throws(NetlinkError) -> NetlinkError? {
    do {
      let acknowledgement = try Acknowledgement(message)
      guard acknowledgement.errno != 0 else { return nil }
      return NetlinkError(
        .refused(errno: acknowledgement.errno), call: label.call, object: label.object, namespace: namespaceName,
        kernelText: acknowledgement.text, offset: acknowledgement.offset)
    } catch {
      throw malformed(error, label)
    }
  }

  private func malformed(_ error: WireError, _ label: Label) -> NetlinkError {
    NetlinkError(.malformed(error), call: label.call, object: label.object, namespace: namespaceName)
  }

  private func build(
    _ label: Label, capacityBytes: Int, _ body: (inout MessageWriter) throws(WireError) -> Void
  ) throws(NetlinkError) -> [UInt8] {
    var writer = MessageWriter(capacityBytes: capacityBytes)
    do { try body(&writer) } catch { throw malformed(error, label) }
    return writer.finish()
  }

  /// Receives one datagram's messages, or says that none came in time.
  private func receive(
    _ endpoint: inout NetlinkEndpoint, _ label: Label, deadline: ContinuousClock.Instant
  ) throws(NetlinkError) -> [Message] {
    let left = max(.zero, deadline - ContinuousClock.now)
    guard let messages = try endpoint.receive(within: Int32(left.wholeMilliseconds), label) else {
      throw NetlinkError(
        .timedOut(afterMilliseconds: limit.wholeMilliseconds), call: label.call, object: label.object,
        namespace: namespaceName)
    }
    return messages
  }

  /// `Mutex.withLock` with a typed error.
  private func locked<R: Sendable>(
    _ body: (inout State) throws(NetlinkError) -> R
  ) throws(NetlinkError) -> R {
    try state.withLock { (state) throws(NetlinkError) -> R in try body(&state) }
  }
}

extension Duration {
  fileprivate var wholeMilliseconds: Int {
    Int(components.seconds) * 1000 + Int(components.attoseconds / 1_000_000_000_000_000)
  }
}
