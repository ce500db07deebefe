/// A client's request as it goes to the registry: without what belongs to the client's connection alone, with a length of its own, and
/// with the guard's name (RFC 9110, 7.6).
func passedOn(_ head: HTTPRequestHead, _ body: [UInt8], to upstream: Endpoint) -> [UInt8] {
  let dropped = head.fields.betweenHops.union(["content-length", "expect"])
  var text = "\(head.method) \(head.target) HTTP/1.1\r\n"
  if head.fields.all("host").isEmpty { text += "host: \(upstream)\r\n" }
  for field in head.fields.list where !dropped.contains(field.name) {
    text += "\(field.name): \(field.value)\r\n"
  }
  if !body.isEmpty || !["GET", "HEAD", "OPTIONS", "DELETE"].contains(head.method) {
    text += "content-length: \(body.count)\r\n"
  }
  text += "via: 1.\(head.minorVersion) blackstart\r\n\r\n"
  return Array(text.utf8) + body
}

/// The head of the registry's answer as it goes to the client. A body whose length nobody said comes in chunks, where the client
/// understands them (HTTP/1.1), and else to the end of the connection.
func passedBack(
  _ head: HTTPResponseHead, to request: HTTPRequestHead, _ framing: HTTPFraming, keepsAlive: Bool
) -> [UInt8] {
  var dropped = head.fields.betweenHops
  // A length that tells of no body (HEAD, 304) is passed on as it is.
  if framing != .none { dropped.insert("content-length") }
  var text = "HTTP/1.1 \(head.status) \(head.reason)\r\n"
  for field in head.fields.list where !dropped.contains(field.name) { text += "\(field.name): \(field.value)\r\n" }
  switch framing {
  case .none: break
  case .length(let length): text += "content-length: \(length)\r\n"
  case .chunked, .untilClose: if request.minorVersion == 1 { text += "transfer-encoding: chunked\r\n" }
  }
  return Array("\(text)connection: \(keepsAlive ? "keep-alive" : "close")\r\n\r\n".utf8)
}
