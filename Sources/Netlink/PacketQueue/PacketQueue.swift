internal import CKernel
internal import CMnl
internal import Glibc

/// A queue of packets that a rule hands to this process, each waiting in the kernel for its verdict (nfnetlink_queue).
///
/// A queue belongs to one socket in one network namespace. When the socket closes, however the process dies, the kernel
/// drops what the queue holds, and a rule with *bypass* lets everything pass from then on.
///
/// It is used by one thread at a time, never blocks, and is closed by ``close()`` or when it goes away.
public struct PacketQueue: ~Copyable {
  /// How much of each packet comes to this process. The packet itself never leaves the kernel.
  public enum Copy: Sendable, Hashable, Codable {
    /// Its description only.
    case description
    /// Its description with its length (for which the kernel needs to copy one byte).
    case descriptionAndLength
    /// Also its first bytes, at most so many.
    case payload(UInt32)
  }

  /// Flags of a queue (`NFQA_CFG_F_…`).
  public struct Flags: OptionSet, Sendable, Hashable, Codable {
    /// The bits.
    public let rawValue: UInt32

    /// Flags from their bits.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// A packet that does not fit, because the queue or our socket is full, passes instead of being dropped.
    public static let failOpen = Flags(rawValue: 1)
    /// Bundles of segments come as one packet. Without it the kernel takes each bundle apart, which costs eight times
    /// the throughput.
    public static let bundles = Flags(rawValue: 4)
  }

  /// What a queue is like.
  public struct Options: Sendable, Hashable {
    /// How much of each packet is copied.
    public var copy: Copy
    /// How many packets it holds at most.
    public var maximumLength: UInt32
    /// Its flags.
    public var flags: Flags
    /// Room for descriptions that wait for us, bytes. One needs about 1 KiB of it, for the kernel counts whole buffers.
    public var receiveBufferBytes: Int32

    /// By default descriptions only, bundles whole, and what does not fit passes.
    public init(
      copy: Copy = .description, maximumLength: UInt32 = 65_536, flags: Flags = [.failOpen, .bundles],
      receiveBufferBytes: Int32 = 64 << 20
    ) {
      self.copy = copy
      self.maximumLength = maximumLength
      self.flags = flags
      self.receiveBufferBytes = receiveBufferBytes
    }
  }

  /// What one call of ``receive(_:)`` found.
  public struct Receipt: Sendable, Hashable {
    /// Packets handed over.
    public var packets = 0
    /// Decisions that the kernel refused, by the numbers that ``PacketQueue/decide(_:)`` gave them, because it had dropped
    /// all of their packets meanwhile: it does so with every packet of every queue of a namespace when anybody removes a
    /// base chain there.
    public var refusedDecisions: [UInt32] = []
    /// True if more may be waiting.
    public var isFull = false
  }

  /// Its number, 0…65,535, unique in the namespace.
  public let number: UInt16
  /// To wait on; it becomes readable when packets are there.
  public let fileDescriptor: Int32
  private let namespaceName: String?
  private var sequence: UInt32 = 1
  private var buffer: [UInt8]
  private var lengths: [UInt32]

  /// The first number that is tried. People who number their queues by hand begin at 0.
  static let firstNumber: UInt16 = 0xB500
  static let tries = 256
  private static let slots = 64

  /// Opens a queue.
  ///
  /// - Parameters:
  ///   - number: the number it must have; `nil` for any that is free.
  ///   - namespace: where; `nil` for the namespace that the calling thread is in, with a socket in that thread's table of
  ///     descriptors.
  /// - Throws: ``NetlinkError``: EPERM without CAP_NET_ADMIN, EBUSY if the number, or each of 256, is taken.
  public init(
    number: UInt16? = nil, options: Options = Options(), in namespace: NetworkNamespace? = nil
  ) throws(NetlinkError) {
    do throws(NetlinkError) {
      let fd = try inNamespace(namespace, "socket") { () throws(NetlinkError) in try Self.open(options) }
      do throws(NetlinkError) {
        self.init(fd, number: try Self.bind(fd, number, options), options.copy, in: namespace?.name)
      } catch {
        Glibc.close(fd)
        throw error
      }
    } catch {
      var failure = error
      failure.namespace = namespace?.name
      throw failure
    }
  }

  private init(_ fd: Int32, number: UInt16, _ copy: Copy, in namespaceName: String?) {
    var slotBytes = 1024
    if case .payload(let bytes) = copy { slotBytes += Int(min(bytes, 65_535)) }
    buffer = [UInt8](repeating: 0, count: Self.slots * slotBytes)
    lengths = [UInt32](repeating: 0, count: Self.slots)
    fileDescriptor = fd
    self.number = number
    self.namespaceName = namespaceName
  }

  deinit {
    Glibc.close(fileDescriptor)
  }

  /// Closes the socket. What the queue holds is dropped; see ``releaseAll()``.
  public consuming func close() {}

  /// Takes up to 64 packets that wait.
  ///
  /// - Throws: ``NetlinkError``; the queue goes on after `.overrun`, which says that packets did not fit our socket (they
  ///   passed, or were dropped without ``Flags/failOpen``), and after `.malformed`.
  public mutating func receive(_ body: (QueuedPacket) -> Void) throws(NetlinkError) -> Receipt {
    let slot = buffer.count / Self.slots
    let count = bs_receive_many(fileDescriptor, &buffer, UInt32(slot), &lengths, Int32(Self.slots))
    guard count >= 0 else {
      if errno == ENOBUFS { throw fail(.overrun, "receive") }
      throw fail(.refused(errno: errno), "receive")
    }
    var receipt = Receipt()
    receipt.isFull = count == Self.slots
    for index in 0..<Int(count) {
      let length = Int(lengths[index])
      do throws(WireError) {
        guard length <= slot else { throw .badLength(field: "packet message", length: length) }
        try Self.split(buffer.span, index * slot..<index * slot + length, &receipt, body)
      } catch {
        throw fail(.malformed(error), "NFQNL_MSG_PACKET")
      }
    }
    return receipt
  }

  /// Decides about packets, in this order. It returns when the kernel has done it; what it refused is in the next
  /// ``Receipt``.
  ///
  /// - Returns: the number of the first decision; the others follow.
  @discardableResult
  public mutating func decide(_ decisions: some Sequence<Decision>) throws(NetlinkError) -> UInt32 {
    let first = sequence &+ 1
    var writer = MessageWriter(capacityBytes: 1024)
    var failure: WireError?
    for decision in decisions {
      do { try Self.write(decision, queue: number, to: &writer, sequence: nextSequence()) } catch { failure = error }
      if writer.bytes.count > 60_000 {
        try send(writer.finish(), "NFQNL_MSG_VERDICT")
        writer = MessageWriter(capacityBytes: 1024)
      }
    }
    if let failure { throw fail(.malformed(failure), "NFQNL_MSG_VERDICT") }
    let rest = writer.finish()
    if !rest.isEmpty { try send(rest, "NFQNL_MSG_VERDICT") }
    return first
  }

  /// Sets how many packets the queue holds from now on. With 0 and ``Flags/failOpen`` every packet that comes passes.
  public mutating func setMaximumLength(_ length: UInt32) throws(NetlinkError) {
    try configure([.maximumLength(length)], acknowledged: false)
  }

  /// Lets pass whatever the queue holds, also what was not received yet, in the order in which it came.
  ///
  /// - Parameter lastID: the last number that was received; 0 if there was none.
  /// - Returns: the number of the decision.
  @discardableResult
  public mutating func releaseAll(lastID: UInt32) throws(NetlinkError) -> UInt32 {
    // Far enough ahead for all that waits in our socket, and not so far that it counts as before those that are held.
    try decide(CollectionOfOne(.all(upTo: lastID &+ 0x4000_0000, .accept)))
  }

  /// Ends the queue before its socket closes. What it still holds is dropped.
  public mutating func unbind() throws(NetlinkError) {
    try configure([.unbind], acknowledged: false)
  }

  // MARK: -

  private mutating func configure(_ settings: [Configuration], acknowledged: Bool) throws(NetlinkError) {
    var writer = MessageWriter()
    do {
      try Self.write(settings, queue: number, to: &writer, sequence: nextSequence(), acknowledged: acknowledged)
    } catch { throw fail(.malformed(error), "NFQNL_MSG_CONFIG") }
    try send(writer.finish(), "NFQNL_MSG_CONFIG")
  }

  private mutating func nextSequence() -> UInt32 {
    sequence &+= 1
    return sequence
  }

  private func send(_ bytes: [UInt8], _ call: String) throws(NetlinkError) {
    var sent: Int
    repeat { sent = Glibc.send(fileDescriptor, bytes, bytes.count, 0) } while sent < 0 && errno == EINTR
    guard sent == bytes.count else { throw fail(.refused(errno: errno), "send \(call)") }
  }

  private func fail(_ reason: NetlinkError.Reason, _ call: String) -> NetlinkError {
    NetlinkError(reason, call: call, object: .queue(number), namespace: namespaceName)
  }

  /// Walks through the messages of the datagram that lies in the part `range` of `bytes`.
  static func split(
    _ bytes: Span<UInt8>, _ range: Range<Int>, _ receipt: inout Receipt, _ body: (QueuedPacket) -> Void
  ) throws(WireError) {
    var cursor = ByteCursor(range)
    while !cursor.isAtEnd {
      let start = cursor.position
      let length = Int(try cursor.host(UInt32.self, bytes, "nlmsg_len"))
      let type = try cursor.host(UInt16.self, bytes, "nlmsg_type")
      try cursor.skip(10, "nlmsghdr")
      guard length >= 16 else { throw .badLength(field: "nlmsg_len", length: length) }
      let payload = cursor.position..<start + length
      try cursor.skip(length - 16, "message")
      switch type {
      case subsystem:  // NFQNL_MSG_PACKET
        body(try QueuedPacket(decoding: bytes, payload))
        receipt.packets += 1
      case 2:  // NLMSG_ERROR; nothing but refusals is sent without being asked for
        var error = ByteCursor(payload)
        if try error.host(Int32.self, bytes, "nlmsgerr.error") != 0 {
          try error.skip(8, "nlmsgerr.msg")
          receipt.refusedDecisions.append(try error.host(UInt32.self, bytes, "nlmsgerr.msg.nlmsg_seq"))
        }
      default: break
      }
      cursor = ByteCursor(min(start + (length + 3) & ~3, range.upperBound)..<range.upperBound)
    }
  }
}
