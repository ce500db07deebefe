public import Agents
internal import Stacks
internal import Support

/// Asks what a drill wants to know from this host: in this process's network, on threads of their own. Ends within about a second of
/// the cancellation of its task.
///
/// - Throws: `SystemError` when a thread or a socket cannot be made; `CancellationError`.
public func answer(_ question: HostQuestion) async throws -> HostTold {
  switch question.what {
  case .tcp(let address, let port):
    let refusal = try await connectTCP(address, port: port, within: question.timeout, networkNamespace: nil)
    return refusal.map { .refused($0) } ?? .connected
  case .http(let method, let url, let headers, let body):
    let request = HTTPRequest(
      method: method, url: url, headers: headers.map { ($0.name, $0.value) }, body: body.map { Array($0.utf8) })
    let told = try await sendHTTP(request, keeping: question.kept, within: question.timeout)
    try Task.checkCancellation()
    switch told.outcome {
    case .failed(let why): return .nothing(why)
    case .answered(let status, let bytes):
      return .answered(
        status: status, beginning: String(decoding: bytes, as: UTF8.self), sentBytes: bytes.count, ofBytes: told.bytes)
    }
  }
}
