/// Bytes that are no HTTP/1.1 as this guard takes it: stricter than the standard wherever two readers could differ.
struct HTTPDefect: Error, Sendable, Equatable {
  /// What to answer.
  var status: Int
  var what: String

  init(_ status: Int, _ what: String) {
    self.status = status
    self.what = what
  }
}

/// How a body's end is known.
enum HTTPFraming: Sendable, Equatable {
  case none
  case length(Int)
  case chunked
  case untilClose
}

/// Header fields, in order; names in lower case.
struct HTTPFields: Sendable, Equatable {
  var list: [(name: String, value: String)] = []

  func all(_ name: String) -> [String] { list.filter { $0.name == name }.map(\.value) }

  /// The words of a list field such as `Connection`, in lower case.
  func words(_ name: String) -> Set<String> {
    Set(all(name).flatMap { $0.split(separator: ",") }.map { trimmed($0).lowercased() }.filter { !$0.isEmpty })
  }

  static func == (one: HTTPFields, other: HTTPFields) -> Bool {
    one.list.elementsEqual(other.list) { $0 == $1 }
  }

  /// What belongs to one connection only (RFC 9110, 7.6.1), by name or because `Connection` names it.
  var betweenHops: Set<String> {
    words("connection").union([
      "connection", "keep-alive", "proxy-connection", "proxy-authenticate", "proxy-authorization", "te", "trailer",
      "transfer-encoding", "upgrade",
    ])
  }

  /// How the body of a message with these fields ends.
  ///
  /// - Throws: ``HTTPDefect`` for everything that two readers could understand differently (request smuggling): more than one
  ///   length, a length beside an encoding, an encoding other than `chunked`.
  func framing(otherwise: HTTPFraming) throws(HTTPDefect) -> HTTPFraming {
    let lengths = all("content-length")
    let encodings = all("transfer-encoding")
    if !encodings.isEmpty {
      guard lengths.isEmpty else { throw HTTPDefect(400, "Content-Length beside Transfer-Encoding") }
      guard encodings.count == 1, encodings[0].lowercased() == "chunked" else {
        throw HTTPDefect(501, "Transfer-Encoding other than chunked")
      }
      return .chunked
    }
    guard lengths.count <= 1 else { throw HTTPDefect(400, "more than one Content-Length") }
    guard let text = lengths.first else { return otherwise }
    guard (1...15).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
      let length = Int(text)
    else { throw HTTPDefect(400, "a Content-Length that is no number") }
    return .length(length)
  }
}

/// The first line and the fields of a request.
struct HTTPRequestHead: Sendable, Equatable {
  var method: String
  var target: String
  /// Of HTTP/1.x.
  var minorVersion: Int
  var fields: HTTPFields

  /// Reads a head, which ends with its empty line.
  init(_ bytes: ArraySlice<UInt8>) throws(HTTPDefect) {
    var lines = try headLines(bytes, status: 400)
    let first = lines.removeFirst().split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
    guard first.count == 3, isToken(first[0]), !first[1].isEmpty else { throw HTTPDefect(400, "no request line") }
    guard first[1].allSatisfy({ (0x21...0x7e).contains($0) }) else { throw HTTPDefect(400, "a target with odd bytes") }
    switch String(decoding: first[2], as: UTF8.self) {
    case "HTTP/1.1": minorVersion = 1
    case "HTTP/1.0": minorVersion = 0
    default: throw HTTPDefect(505, "a version other than HTTP/1.1")
    }
    method = String(decoding: first[0], as: UTF8.self)
    target = String(decoding: first[1], as: UTF8.self)
    guard target.hasPrefix("/") else { throw HTTPDefect(400, "a target that is no path") }
    fields = try headFields(lines[...], status: 400)
    let hosts = fields.all("host").count
    guard hosts == 1 || hosts == 0 && minorVersion == 0 else { throw HTTPDefect(400, "\(hosts) Host fields") }
  }

  var body: HTTPFraming {
    get throws(HTTPDefect) {
      if minorVersion == 0 && !fields.all("transfer-encoding").isEmpty {
        throw HTTPDefect(400, "Transfer-Encoding in HTTP/1.0")
      }
      return try fields.framing(otherwise: .none)
    }
  }

  /// Whether the client wants the connection to stand.
  var keepsAlive: Bool {
    let words = fields.words("connection")
    return minorVersion == 1 ? !words.contains("close") : words.contains("keep-alive")
  }
}

/// The first line and the fields of a response.
struct HTTPResponseHead: Sendable, Equatable {
  var status: Int
  var reason: String
  var minorVersion: Int
  var fields: HTTPFields

  init(_ bytes: ArraySlice<UInt8>) throws(HTTPDefect) {
    var lines = try headLines(bytes, status: 502)
    let first = lines.removeFirst()
    let text = String(decoding: first, as: UTF8.self)
    let words = text.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
    guard words.count >= 2, words[0] == "HTTP/1.1" || words[0] == "HTTP/1.0", words[1].utf8.count == 3,
      let status = Int(words[1]), (100...599).contains(status)
    else { throw HTTPDefect(502, "the registry's status line cannot be read") }
    self.status = status
    minorVersion = words[0] == "HTTP/1.1" ? 1 : 0
    reason = words.count == 3 ? String(words[2]) : ""
    fields = try headFields(lines[...], status: 502)
  }

  /// How the body ends that answers a request of this method (RFC 9112, 6.3).
  func body(answering method: String) throws(HTTPDefect) -> HTTPFraming {
    if method == "HEAD" || status < 200 || status == 204 || status == 304 { return .none }
    do throws(HTTPDefect) { return try fields.framing(otherwise: .untilClose) } catch {
      throw HTTPDefect(502, "the registry's answer: \(error.what)")
    }
  }

  var keepsAlive: Bool { minorVersion == 1 && !fields.words("connection").contains("close") }
}

/// Where a head that begins with `bytes` ends, behind its empty line; `nil` while it does not.
func headEnd(_ bytes: ArraySlice<UInt8>, from start: Int) -> Int? {
  var index = max(bytes.startIndex + 3, start)
  while index < bytes.endIndex {
    if bytes[index] == 0x0a, bytes[index - 1] == 0x0d, bytes[index - 2] == 0x0a, bytes[index - 3] == 0x0d {
      return index + 1
    }
    index += 1
  }
  return nil
}

private func headLines(_ bytes: ArraySlice<UInt8>, status: Int) throws(HTTPDefect) -> [ArraySlice<UInt8>] {
  var lines: [ArraySlice<UInt8>] = []
  var start = bytes.startIndex
  var index = start
  while index < bytes.endIndex {
    switch bytes[index] {
    case 0x0d:
      guard index + 1 < bytes.endIndex, bytes[index + 1] == 0x0a else {
        throw HTTPDefect(status, "a bare carriage return")
      }
      lines.append(bytes[start..<index])
      index += 2
      start = index
    case 0x0a: throw HTTPDefect(status, "a bare line feed")
    case 0: throw HTTPDefect(status, "a zero byte")
    default: index += 1
    }
  }
  guard lines.count >= 2, lines.last?.isEmpty == true, start == bytes.endIndex else {
    throw HTTPDefect(status, "no whole head")
  }
  lines.removeLast()
  guard lines.count <= 101 else { throw HTTPDefect(431, "more than 100 fields") }
  return lines
}

private func headFields(_ lines: ArraySlice<ArraySlice<UInt8>>, status: Int) throws(HTTPDefect) -> HTTPFields {
  var fields = HTTPFields()
  for line in lines {
    // A line that begins with a space continues the one before (obs-fold): one reader would, another would not.
    guard let colon = line.firstIndex(of: UInt8(ascii: ":")), isToken(line[..<colon]) else {
      throw HTTPDefect(status, "a field without a proper name")
    }
    let value = line[(colon + 1)...]
    guard value.allSatisfy({ $0 == 0x09 || $0 >= 0x20 && $0 != 0x7f }) else {
      throw HTTPDefect(status, "a field with control characters")
    }
    fields.list.append(
      (
        String(decoding: line[..<colon], as: UTF8.self).lowercased(),
        trimmed(String(decoding: value, as: UTF8.self)[...])
      ))
  }
  return fields
}

/// A token of RFC 9110, 5.6.2.
private func isToken(_ bytes: ArraySlice<UInt8>) -> Bool {
  !bytes.isEmpty
    && bytes.allSatisfy { byte in
      switch byte {
      case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
      default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
      }
    }
}

private func trimmed(_ text: Substring) -> String {
  var text = text
  while let last = text.last, last == " " || last == "\t" { text.removeLast() }
  return String(text.drop { $0 == " " || $0 == "\t" })
}
