internal import Netlink

/// The answer of a name server to one question (RFC 1035), as far as it must be known to answer otherwise.
struct DNSAnswer {
  /// The name that was asked about, without the dot at its end.
  let name: String
  /// What was asked for: 1 for IPv4 addresses, 28 for IPv6.
  let type: UInt16
  private let identity: UInt16
  private let flags: UInt16
  /// As it was asked, in the same letters: resolvers compare them.
  private let question: [UInt8]
  /// What the two ends told each other beside (RFC 6891): who asked with it expects it in the answer.
  private let options: [UInt8]

  /// RFC 1035 §4.1.1 and RFC 2136 §1.1.
  enum Code: UInt16 {
    case none = 0
    case serverFailure = 2
    case noSuchName = 3
    case refusal = 5
  }

  /// Reads a message.
  ///
  /// - Throws: ``AnswerError`` if it is no answer to one question, or malformed.
  init(_ message: ArraySlice<UInt8>) throws(AnswerError) {
    identity = try message.big(UInt16.self, at: 0, "the DNS header")
    flags = try message.big(UInt16.self, at: 2, "the DNS header")
    let questions = try message.big(UInt16.self, at: 4, "the DNS header")
    var records = 0
    for place in [6, 8, 10] { records += Int(try message.big(UInt16.self, at: place, "the DNS header")) }
    guard flags & 0x8000 != 0 else { throw .notMeant("a question") }
    guard flags & 0x7800 == 0, questions == 1 else { throw .notMeant("no answer to one question") }
    var position = 12
    name = try Self.name(message, &position)
    type = try message.big(UInt16.self, at: position, "the question")
    _ = try message.big(UInt16.self, at: position + 2, "the question")
    position += 4
    let first = message.startIndex
    question = Array(message[(first + 12)..<(first + position)])
    options = try Self.options(message, &position, records)
  }

  /// The same question, answered with an error.
  func refused(_ code: Code) -> [UInt8] { answer(code, []) }

  /// The same question, answered with those of the addresses that were asked for; `nil` if something else was asked for.
  func answered(_ addresses: [IPAddress], timeToLiveSeconds: UInt32) -> [UInt8]? {
    let family: IPAddress.Family
    switch type {
    case 1: family = .v4
    case 28: family = .v6
    default: return nil
    }
    return answer(
      .none,
      addresses.filter { $0.family == family }.map { address in
        var record: [UInt8] = [0xC0, 12]  // the name in the question
        record.appendBig(type)
        record.appendBig(UInt16(1))  // IN
        record.appendBig(timeToLiveSeconds)
        record.appendBig(UInt16(address.bytes.count))
        return record + address.bytes
      })
  }

  private func answer(_ code: Code, _ records: [[UInt8]]) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.appendBig(identity)
    // Answer, recursion as asked for and offered, checking disabled; not truncated, authoritative or authentic.
    bytes.appendBig(0x8000 | flags & 0x0190 | code.rawValue)
    bytes.appendBig(UInt16(1))
    bytes.appendBig(UInt16(records.count))
    bytes.appendBig(UInt16(0))
    bytes.appendBig(UInt16(options.isEmpty ? 0 : 1))
    return bytes + question + records.joined() + options
  }

  /// A name without pointers, as questions have it.
  private static func name(_ message: ArraySlice<UInt8>, _ position: inout Int) throws(AnswerError) -> String {
    let begin = position
    var labels: [String] = []
    while true {
      let length = Int(try message.big(UInt8.self, at: position, "the name"))
      position += 1
      if length == 0 { return labels.joined(separator: ".") }
      guard length < 64, position + length - begin < 255 else { throw .malformed("the name") }
      guard position + length <= message.count else { throw .truncated("the name") }
      let start = message.startIndex + position
      labels.append(String(decoding: message[start..<(start + length)], as: UTF8.self))
      position += length
    }
  }

  /// Walks through all records. Returns the one of type OPT, without an extended error code; empty if there is none.
  private static func options(
    _ message: ArraySlice<UInt8>, _ position: inout Int, _ records: Int
  ) throws(AnswerError) -> [UInt8] {
    var found: [UInt8] = []
    for _ in 0..<records {
      let start = message.startIndex + position
      try skipName(message, &position)
      let type = try message.big(UInt16.self, at: position, "a record")
      let length = Int(try message.big(UInt16.self, at: position + 8, "a record"))
      position += 10 + length
      guard position <= message.count else { throw .truncated("a record") }
      if type == 41, message[start] == 0 {
        found = Array(message[start..<(message.startIndex + position)])
        found[5] = 0
      }
    }
    return found
  }

  private static func skipName(_ message: ArraySlice<UInt8>, _ position: inout Int) throws(AnswerError) {
    while true {
      let length = Int(try message.big(UInt8.self, at: position, "the name of a record"))
      switch length {
      case 0:
        position += 1
        return
      case 1..<64: position += 1 + length
      case 192...:
        _ = try message.big(UInt16.self, at: position, "the name of a record")
        position += 2
        return
      default: throw .malformed("the name of a record")
      }
    }
  }
}
