internal import CMnl
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

  /// A `mnl_socket`. Sendable, because libmnl keeps no thread's state in it and every use is under the lock.
  private struct Handle: @unchecked Sendable {
    let pointer: OpaquePointer
  }

  private struct State: Sendable {
    var handle: Handle?
    var port: UInt32
    var sequence: UInt32 = 1
    /// Answers were lost, and what came before them may still be in the queue.
    var overran = false
    var buffer = [UInt8](repeating: 0, count: 1 << 17)
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
    namespaceName = namespace.name
    do {
      let opened =
        openedByThisThread
        ? try Self.open(bus, bufferBytes: bufferBytes)
        : try namespace.run { try Self.open(bus, bufferBytes: bufferBytes) }
      state = Mutex(State(handle: opened.handle, port: opened.port))
    } catch {
      var failure =
        error as? NetlinkError ?? NetlinkError(.incomplete("\(error)"), call: "socket", object: .socket)
      failure.namespace = namespace.name
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
    let handle = state.withLock { state in
      defer { state.handle = nil }
      return state.handle
    }
    if let handle { mnl_socket_close(handle.pointer) }
  }

  /// The address the kernel knows this socket by; it is the owner of the tables made through it.
  var port: UInt32 { state.withLock { $0.port } }

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
      try self.send(bytes, &state, whole)
      var failures: [NetlinkError] = []
      let deadline = ContinuousClock.now + self.limit
      // Every answer was queued before send returned; the deadline guards against a kernel that breaks this rule.
      while true {
        for message in try self.receive(&state, whole, deadline: deadline) {
          let index = Int(message.sequence &- first)
          guard message.type == 2, labels.indices.contains(index) else { continue }
          if let failure = try self.failure(in: message, labels[index]) {
            failures.append(failure)
          } else {
            return failures
          }
        }
        if !failures.isEmpty, try !self.isReadable(&state, within: 0) { return failures }
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
        for message in try self.receive(&state, label, deadline: deadline) where message.sequence == sequence {
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
          received = try self.receive(&state, label, deadline: deadline)
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
    try send(bytes, &state, label)
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

  private func send(_ bytes: [UInt8], _ state: inout State, _ label: Label) throws(NetlinkError) {
    try drain(&state, label)
    guard let handle = state.handle?.pointer else { throw closed(label) }
    var sent: Int
    repeat { sent = mnl_socket_sendto(handle, bytes, bytes.count) } while sent < 0 && errno == EINTR
    guard sent == bytes.count else { throw .last("send \(label.call)", label.object, namespace: namespaceName) }
  }

  /// Receives one datagram. Messages to another port, or of a kind that nobody asked for, are left out.
  private func receive(
    _ state: inout State, _ label: Label, deadline: ContinuousClock.Instant
  ) throws(NetlinkError) -> [Message] {
    if state.overran, try !isReadable(&state, within: 0) {
      state.overran = false
      throw NetlinkError(.overrun, call: label.call, object: label.object, namespace: namespaceName)
    }
    let left = max(.zero, deadline - ContinuousClock.now)
    let milliseconds = Int32(left.components.seconds * 1000 + left.components.attoseconds / 1_000_000_000_000_000)
    guard try isReadable(&state, within: milliseconds) else {
      let (seconds, fraction) = limit.components
      throw NetlinkError(
        .timedOut(afterMilliseconds: Int(seconds * 1000 + fraction / 1_000_000_000_000_000)), call: label.call,
        object: label.object, namespace: namespaceName)
    }
    guard let handle = state.handle?.pointer else { throw closed(label) }
    var sender = sockaddr_nl()
    let count = Self.receive(mnl_socket_get_fd(handle), &state.buffer, from: &sender)
    guard count >= 0 else {
      switch errno {
      case EINTR, EAGAIN: return []
      case ENOBUFS:
        // This is told before what arrived in time, which is worth reading.
        state.overran = true
        return []
      default: throw .last("receive \(label.call)", label.object, namespace: namespaceName)
      }
    }
    // Another process can send to us too, if it is privileged.
    guard sender.nl_pid == 0 else { return [] }
    guard count <= state.buffer.count else {
      throw malformed(.truncated(field: "datagram", need: count, have: state.buffer.count), label)
    }
    do {
      let port = state.port
      return try Message.split(Array(state.buffer[..<count])[...]).filter { $0.port == port || $0.port == 0 }
    } catch {
      throw malformed(error, label)
    }
  }

  /// Throws away what has arrived. After an overrun the kernel drops all further answers until its queue is empty.
  private func drain(_ state: inout State, _ label: Label) throws(NetlinkError) {
    while state.overran {
      do throws(NetlinkError) {
        _ = try receive(&state, label, deadline: ContinuousClock.now)
      } catch {
        guard error.reason == .overrun else { throw error }
      }
    }
  }

  /// One datagram: its true length, even if the buffer is shorter, or -1 with errno.
  private static func receive(_ fd: Int32, _ buffer: inout [UInt8], from sender: inout sockaddr_nl) -> Int {
    var length = socklen_t(MemoryLayout<sockaddr_nl>.size)
    return withUnsafeMutablePointer(to: &sender) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        recvfrom(fd, &buffer, buffer.count, Int32(MSG_TRUNC) | Int32(MSG_DONTWAIT), address, &length)
      }
    }
  }

  private func isReadable(_ state: inout State, within milliseconds: Int32) throws(NetlinkError) -> Bool {
    guard let handle = state.handle?.pointer else { throw closed(Label(call: "poll", object: .socket)) }
    var item = pollfd(fd: mnl_socket_get_fd(handle), events: Int16(POLLIN), revents: 0)
    let ready = poll(&item, 1, milliseconds)
    guard ready >= 0 || errno == EINTR else { throw .last("poll", .socket, namespace: namespaceName) }
    return ready != 0
  }

  private func closed(_ label: Label) -> NetlinkError {
    NetlinkError(.closed, call: label.call, object: label.object, namespace: namespaceName)
  }

  /// `Mutex.withLock` with a typed error.
  private func locked<R: Sendable>(
    _ body: (inout State) throws(NetlinkError) -> R
  ) throws(NetlinkError) -> R {
    try state.withLock { (state) throws(NetlinkError) -> R in try body(&state) }
  }

  /// Runs inside the namespace. The caller owns the returned handle; on failure it is closed here.
  private static func open(_ bus: Bus, bufferBytes: Int32) throws -> (handle: Handle, port: UInt32) {
    guard let handle = mnl_socket_open2(bus.rawValue, Int32(SOCK_CLOEXEC.rawValue)) else {
      throw NetlinkError.last("socket", .socket)
    }
    func give(up call: String) -> NetlinkError {
      let failure = NetlinkError.last(call, .socket)
      mnl_socket_close(handle)
      return failure
    }
    guard mnl_socket_bind(handle, 0, 0) == 0 else { throw give(up: "bind") }
    let fd = mnl_socket_get_fd(handle)
    for (option, name) in [(SO_SNDBUFFORCE, "SO_SNDBUFFORCE"), (SO_RCVBUFFORCE, "SO_RCVBUFFORCE")] {
      var size = bufferBytes
      guard setsockopt(fd, SOL_SOCKET, option, &size, 4) == 0 else { throw give(up: name) }
    }
    // Text and offset with every refusal; refusals without a copy of the whole request.
    for (option, name) in [(NETLINK_EXT_ACK, "NETLINK_EXT_ACK"), (NETLINK_CAP_ACK, "NETLINK_CAP_ACK")] {
      var on: Int32 = 1
      guard mnl_socket_setsockopt(handle, option, &on, 4) == 0 else { throw give(up: name) }
    }
    return (Handle(pointer: handle), mnl_socket_get_portid(handle))
  }
}
