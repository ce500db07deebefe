internal import KafkaWire

/// Follows the requests in one client's bytes, reads their headers and says what may go on to the broker. A value without I/O.
///
/// Bytes that it took in and did not let go are in ``held``: the beginning of a request whose header is not whole, or all of one
/// that is refused. Nothing of a request leaves before its header is whole and judged.
struct RequestScanner: Sendable {
  enum Step: Sendable, Equatable {
    /// Send what was held, then `count` bytes of the chunk from `from` on; those before were taken in.
    case pass(held: [UInt8], from: Int, count: Int)
    /// So many bytes of the chunk were taken in; more are needed.
    case take(Int)
    /// A header stands whole and needs a judgement: ``allow()`` or ``refuse()`` it before anything else. The chunk is as it
    /// was, but for `count` bytes that were taken in.
    case ask(RequestHeader, why: Reason, count: Int)
    /// A refused request was taken in to its end, with `count` bytes of the chunk: answer it.
    case answer([UInt8], count: Int)
    /// The connection must end. The header says with which request, if one could be read.
    case end(GuardRule, RequestHeader?, what: String)
  }

  enum Reason: Sendable, Equatable {
    case administration
    case unknownRequest
    case unknownVersion
  }

  /// A request that was let pass and will be answered.
  private(set) var expected: [Int32] = []
  private(set) var held: [UInt8] = []

  private enum State: Sendable {
    case between
    case passing(left: Int)
    case asking(RequestHeader, total: Int)
    case refusing(RequestHeader, total: Int)
  }

  private var state = State.between
  private let policy: AdminPolicy

  /// Beyond this a producer's transactional id is not waited for: no name is that long.
  private static let mostBeginning = 4 + RequestHeader.mostBytes + 4 + 5 + Int(Int16.max) + 2

  init(_ policy: AdminPolicy) { self.policy = policy }

  /// How many bytes pass before the next header; 0 when a header comes next, or is being read or judged.
  var passing: Int {
    guard case .passing(let left) = state, held.isEmpty else { return 0 }
    return left
  }

  /// Whether the client is in the middle of a request.
  var isInsideRequest: Bool {
    if case .between = state { return !held.isEmpty }
    return true
  }

  /// Notes that bytes were passed on without coming through here.
  mutating func passed(_ count: Int) {
    guard case .passing(let left) = state else { preconditionFailure("\(count) bytes passed in state \(state)") }
    precondition(count <= left, "\(count) bytes passed of \(left)")
    state = count == left ? .between : .passing(left: left - count)
  }

  /// Takes the correlation ids of requests that now wait for their answers.
  mutating func takeExpected() -> [Int32] {
    defer { expected.removeAll(keepingCapacity: true) }
    return expected
  }

  /// What to do with the next bytes. Call it again with the rest until nothing is left or something else is to be done first.
  mutating func next(_ chunk: ArraySlice<UInt8>) -> Step {
    switch state {
    case .asking: preconditionFailure("bytes while a request waits for its judgement")
    case .passing(let left): return pass(left, from: 0, chunk.count)
    case .refusing(let header, let total):
      let count = min(total - held.count, chunk.count)
      held += chunk.prefix(count)
      guard held.count == total else { return .take(count) }
      return answer(header, count)
    case .between:
      if held.isEmpty {
        switch read(chunk) {
        case .more:
          held = Array(chunk)
          return .take(chunk.count)
        case .end(let step): return step
        case .whole(let header, let total, let isAnswered):
          return judge(header, total, isAnswered, taken: 0, chunk.count)
        }
      }
      var taken = 0
      while true {
        switch read(held[...]) {
        case .end(let step): return step
        case .whole(let header, let total, let isAnswered):
          return judge(header, total, isAnswered, taken: taken, chunk.count - taken)
        case .more(let wanted):
          let count = min(wanted - held.count, chunk.count - taken)
          if count == 0 { return .take(taken) }
          held += chunk.dropFirst(taken).prefix(count)
          taken += count
        }
      }
    }
  }

  /// Lets the request pass that waits for its judgement.
  mutating func allow() {
    guard case .asking(let header, let total) = state else { preconditionFailure("nothing to allow in state \(state)") }
    expected.append(header.correlationID)
    state = .passing(left: total - held.count)
  }

  /// Refuses the request that waits for its judgement: it is taken in, and answered at its end.
  ///
  /// - Returns: what to do instead if it cannot be answered; `nil` if it can.
  mutating func refuse(_ rule: GuardRule) -> Step? {
    guard case .asking(let header, let total) = state else {
      preconditionFailure("nothing to refuse in state \(state)")
    }
    guard RequestRefusal.isKnown(apiKey: header.apiKey, version: header.apiVersion) else {
      return .end(rule, header, what: "a refused request that has no known answer")
    }
    guard total - 4 <= policy.maximumRefusedBytes else {
      return .end(rule, header, what: "a refused request of \(total - 4) bytes, more than is read of one")
    }
    message = "fencing: \(rule.rawValue): \(rule.explanation)"
    state = .refusing(header, total: total)
    return nil
  }

  private var message = ""

  private enum Reading {
    case more(upTo: Int)
    case whole(RequestHeader, total: Int, isAnswered: Bool)
    case end(Step)
  }

  private func read(_ bytes: ArraySlice<UInt8>) -> Reading {
    guard bytes.count >= 4 else { return .more(upTo: 4) }
    let size = Int(Int32(bitPattern: bytes.prefix(4).reduce(0) { $0 << 8 | UInt32($1) }))
    guard size >= RequestHeader.fixedBytes, size <= policy.maximumRequestBytes else {
      return .end(.end(.malformedRequest, nil, what: "a request of \(size) bytes"))
    }
    let frame = bytes.dropFirst(4).prefix(size)
    guard let length = RequestHeader.length(of: frame) else { return .more(upTo: 4 + RequestHeader.fixedBytes) }
    guard length <= size else {
      return .end(.end(.malformedRequest, nil, what: "a header of \(length) bytes in a request of \(size)"))
    }
    guard frame.count >= length else { return .more(upTo: 4 + length) }
    var reader = WireReader(frame)
    let header: RequestHeader
    do throws(WireError) { header = try RequestHeader(&reader) } catch {
      return .end(.end(.malformedRequest, nil, what: "a header that cannot be read: \(error)"))
    }
    if let unanswered = RequestKind.expectsNoAnswer(header, frame: frame) {
      return .whole(header, total: 4 + size, isAnswered: !unanswered)
    }
    if frame.count == size || bytes.count >= Self.mostBeginning {
      return .end(.end(.malformedRequest, header, what: "a produce request that cannot be read"))
    }
    return .more(upTo: min(4 + size, bytes.count + 32))
  }

  private mutating func judge(
    _ header: RequestHeader, _ total: Int, _ isAnswered: Bool, taken: Int, _ rest: Int
  ) -> Step {
    let reason: Reason
    switch RequestKind.of(header.apiKey) {
    case nil:
      reason = .unknownRequest
      if policy.unknownRequests == .pass { return pass(header, total, true, taken, rest) }
    case let kind?:
      switch kind.kind {
      case .data, .inquiry:
        // Answered version 0 is followed by bytes without headers, in which anything could hide.
        if kind.name == "SaslHandshake" && header.apiVersion == 0 {
          return .end(.malformedRequest, header, what: "SaslHandshake 0, behind which requests have no headers")
        }
        return pass(header, total, isAnswered, taken, rest)
      case .betweenBrokers:
        if policy.betweenBrokers == .pass { return pass(header, total, true, taken, rest) }
        return .end(.betweenBrokers, header, what: kind.name)
      case .administration:
        reason =
          RequestRefusal.isKnown(apiKey: header.apiKey, version: header.apiVersion) ? .administration : .unknownVersion
        if reason == .unknownVersion && policy.unknownVersions == .pass {
          return pass(header, total, true, taken, rest)
        }
      }
    }
    state = .asking(header, total: total)
    return .ask(header, why: reason, count: taken)
  }

  private mutating func pass(
    _ header: RequestHeader, _ total: Int, _ isAnswered: Bool, _ taken: Int, _ rest: Int
  ) -> Step {
    if isAnswered { expected.append(header.correlationID) }
    return pass(total - held.count, from: taken, rest)
  }

  private mutating func pass(_ left: Int, from taken: Int, _ rest: Int) -> Step {
    let before = held
    held = []
    let count = min(left, rest)
    state = count == left ? .between : .passing(left: left - count)
    return .pass(held: before, from: taken, count: count)
  }

  private mutating func answer(_ header: RequestHeader, _ count: Int) -> Step {
    let frame = held
    held = []
    state = .between
    do throws(WireError) {
      return .answer(try RequestRefusal.response(to: frame.dropFirst(4), message: message), count: count)
    } catch {
      return .end(.malformedRequest, header, what: "a request that cannot be read: \(error)")
    }
  }
}
