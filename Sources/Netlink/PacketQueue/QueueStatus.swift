internal import Glibc

extension PacketQueue {
  /// A queue as the kernel counts it, one line of `/proc/net/netfilter/nfnetlink_queue`.
  public struct Status: Sendable, Hashable, Codable {
    /// Its number.
    public var number: UInt16
    /// The address of the socket it belongs to.
    public var port: UInt32
    /// Packets it holds now.
    public var held: UInt32
    /// Packets dropped because it was full; 0 with ``Flags/failOpen``, for then they pass.
    public var droppedFull: UInt32
    /// Packets dropped because our socket was full; 0 with ``Flags/failOpen``.
    public var droppedOverrun: UInt32
    /// The number of the last packet.
    public var lastID: UInt32

    /// Reads one line; `nil` if it is none.
    init?(_ line: Substring) {
      let words = line.split(separator: " ")
      guard words.count >= 8, let number = UInt16(words[0]), let port = UInt32(words[1]), let held = UInt32(words[2]),
        let full = UInt32(words[5]), let overrun = UInt32(words[6]), let last = UInt32(words[7])
      else { return nil }
      self.number = number
      self.port = port
      self.held = held
      droppedFull = full
      droppedOverrun = overrun
      lastID = last
    }
  }

  /// All queues of a namespace, whoever they belong to.
  ///
  /// - Parameter namespace: where; `nil` for the namespace of the calling thread.
  public static func list(in namespace: NetworkNamespace? = nil) throws(NetlinkError) -> [Status] {
    try inNamespace(namespace, "read") { () throws(NetlinkError) in try readList() }
  }

  private static func readList() throws(NetlinkError) -> [Status] {
    let object = NetlinkObject.dump("packet queues")
    // Not /proc/net, which shows the namespace of the process and not that of the thread.
    guard let file = fopen("/proc/thread-self/net/netfilter/nfnetlink_queue", "re") else {
      throw .last("open", object)
    }
    defer { fclose(file) }
    var text: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = fread(&buffer, 1, buffer.count, file)
      if count == 0 { break }
      text += buffer[..<count]
    }
    guard ferror(file) == 0 else { throw .last("read", object) }
    return try parse(String(decoding: text, as: UTF8.self))
  }

  static func parse(_ text: String) throws(NetlinkError) -> [Status] {
    try text.split(separator: "\n").map { (line) throws(NetlinkError) in
      guard let status = Status(line) else {
        throw NetlinkError(
          .incomplete("a line that is no queue: \"\(line)\""), call: "read", object: .dump("packet queues"))
      }
      return status
    }
  }
}
