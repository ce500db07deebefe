internal import CAres
internal import Glibc
internal import Netlink
internal import Support

/// Asks for the addresses of one name, through c-ares: the system's servers, search list and `/etc/hosts`, but without
/// threads of its own and with times to live. It blocks; every socket is opened and closed by the calling thread.
struct NameQuery {
  var name: String
  /// `address`, `address:port` or `[address]:port`, comma-separated; `nil` for the system's.
  var servers: String?
  /// For one try with one server.
  var patienceMilliseconds: Int32
  var tries: Int32
  /// For all of it.
  var limitMilliseconds: Int64

  func run(_ timebase: Timebase) throws(ResolverError) -> ResolvedName {
    // c-ares would ask the servers for the other family of a plain address.
    if let address = IPAddress(name) { return ResolvedName(name, [address], timesToLive: [.max]) }
    guard Self.isPossible(name) else { throw .badName(name) }
    var options = ares_options()
    options.timeout = patienceMilliseconds
    options.tries = tries
    var opened: ares_channel?
    let status = ares_init_options(&opened, &options, Self.optionTimeoutMilliseconds | Self.optionTries)
    guard status == 0, let channel = opened else {
      throw .unusable(reason: Self.text(status))
    }
    // Every callback that has not been called yet is called now, while its context still lives.
    defer { ares_destroy(channel) }
    if let servers {
      let status = ares_set_servers_ports_csv(channel, servers)
      guard status == 0 else { throw .unusable(reason: "servers \"\(servers)\": \(Self.text(status))") }
    }
    let answers = IPAddress.Family.allCases.map { FamilyAnswer($0) }
    for answer in answers { answer.ask(channel, name) }
    process(channel, until: timebase.monotonic() + limitMilliseconds * 1_000_000, timebase) {
      answers.allSatisfy { $0.status != nil }
    }
    return try summary(answers)
  }

  private func process(_ channel: ares_channel, until deadline: Int64, _ timebase: Timebase, _ isDone: () -> Bool) {
    while !isDone() {
      var sockets = [Int32](repeating: -1, count: 16)
      let bits = UInt32(bitPattern: ares_getsock(channel, &sockets, 16))
      var items: [pollfd] = []
      for (index, socket) in sockets.enumerated() {
        // The lower half says which are to be read, the upper which are to be written.
        let reads = bits & (1 << UInt32(index)) != 0
        let writes = bits & (1 << UInt32(index + 16)) != 0
        if reads || writes {
          items.append(pollfd(fd: socket, events: Int16((reads ? POLLIN : 0) | (writes ? POLLOUT : 0)), revents: 0))
        }
      }
      let left = (deadline - timebase.monotonic()) / 1_000_000
      guard left > 0 else { return ares_cancel(channel) }
      var longest = timeval(tv_sec: Int(left / 1000), tv_usec: Int(left % 1000 * 1000))
      var next = timeval()
      ares_timeout(channel, &longest, &next)
      // An interrupted wait is a shorter one.
      _ = poll(&items, nfds_t(items.count), Int32(clamping: next.tv_sec * 1000 + (next.tv_usec + 999) / 1000))
      for item in items where item.revents != 0 {
        let canRead = item.revents & Int16(POLLIN | POLLERR | POLLHUP) != 0
        let canWrite = item.revents & Int16(POLLOUT) != 0
        ares_process_fd(channel, canRead ? item.fd : -1, canWrite ? item.fd : -1)
      }
      // Time-outs, where nothing came.
      ares_process_fd(channel, -1, -1)
    }
  }

  private func summary(_ answers: [FamilyAnswer]) throws(ResolverError) -> ResolvedName {
    var unanswered: [IPAddress.Family: String] = [:]
    for answer in answers {
      if let status = answer.status, [0, Self.noData, Self.notFound].contains(status) { continue }
      unanswered[answer.family] = Self.text(answer.status ?? Self.timedOut)
    }
    let addresses = answers.flatMap(\.addresses)
    if addresses.isEmpty {
      if let reason = unanswered.values.sorted().first { throw .unanswered(name, reason: reason) }
      throw .unknown(name)
    }
    return ResolvedName(name, addresses, timesToLive: answers.flatMap(\.timesToLive), unanswered: unanswered)
  }

  /// RFC 1035 §2.3.4, without regard to letters: servers know names that RFC 952 does not.
  static func isPossible(_ name: String) -> Bool {
    let labels = name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    let own = labels.last?.isEmpty == true ? labels.dropLast() : labels[...]
    return name.utf8.count <= 254 && !own.isEmpty && own.allSatisfy { (1...63).contains($0.count) }
      && name.utf8.allSatisfy { $0 > 32 && $0 < 127 }
  }

  private static let noData: Int32 = 1
  private static let notFound: Int32 = 4
  private static let timedOut: Int32 = 12
  private static let optionTimeoutMilliseconds: Int32 = 1 << 13
  private static let optionTries: Int32 = 1 << 2

  private static func text(_ status: Int32) -> String {
    ares_strerror(status).map { String(cString: $0) } ?? "c-ares error \(status)"
  }
}

/// What is learned about one family.
private final class FamilyAnswer {
  let family: IPAddress.Family
  /// `nil` until there is an answer.
  private(set) var status: Int32?
  private(set) var addresses: [IPAddress] = []
  private(set) var timesToLive: [Int64] = []

  init(_ family: IPAddress.Family) {
    self.family = family
  }

  /// The channel calls back on this thread, at the latest when it is destroyed; this object lives longer than it.
  func ask(_ channel: ares_channel, _ name: String) {
    var hints = ares_addrinfo_hints()
    hints.ai_family = family == .v4 ? AF_INET : AF_INET6
    hints.ai_flags = 1 << 7  // ARES_AI_NOSORT: the order is ours, and sorting would try to connect
    ares_getaddrinfo(channel, name, nil, &hints, takeAnswer, Unmanaged.passUnretained(self).toOpaque())
  }

  func take(_ status: Int32, _ result: UnsafeMutablePointer<ares_addrinfo>?) {
    self.status = status
    guard let result else { return }
    var node = result.pointee.nodes
    while let found = node?.pointee {
      if let address = Self.address(found) {
        addresses.append(address)
        timesToLive.append(Int64(found.ai_ttl))
      }
      node = found.ai_next
    }
    var alias = result.pointee.cnames
    while let found = alias?.pointee {
      timesToLive.append(Int64(found.ttl))
      alias = found.next
    }
    ares_freeaddrinfo(result)
  }

  private static func address(_ node: ares_addrinfo_node) -> IPAddress? {
    let raw = UnsafeRawBufferPointer(start: node.ai_addr, count: Int(node.ai_addrlen))
    switch node.ai_family {
    case AF_INET where raw.count >= 8: return IPAddress(bytes: raw[4..<8])
    case AF_INET6 where raw.count >= 24: return IPAddress(bytes: raw[8..<24])
    default: return nil
    }
  }
}

/// Called by the channel on the thread that works on it.
private func takeAnswer(
  _ context: UnsafeMutableRawPointer?, _ status: Int32, _ timeouts: Int32,
  _ result: UnsafeMutablePointer<ares_addrinfo>?
) {
  guard let context else { preconditionFailure("an answer without a question") }
  Unmanaged<FamilyAnswer>.fromOpaque(context).takeUnretainedValue().take(status, result)
}
