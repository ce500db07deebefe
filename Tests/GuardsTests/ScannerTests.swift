@testable import Guards
import KafkaWire
import Testing

@Suite struct ScannerTests {
  /// Random bytes in random pieces: nothing crashes, nothing is lost, doubled or reordered, and nothing of a refused request
  /// leaves.
  @Test func randomBytesAreFollowedOrEnded() {
    var random = SystemRandomNumberGenerator()
    for _ in 0..<3000 {
      var scanner = RequestScanner(AdminPolicy())
      var sent: [UInt8] = []
      var wanted: [UInt8] = []
      let requests = (0..<Int.random(in: 1...6, using: &random)).map { Self.request(Int32($0), &random) }
      var stream = requests.flatMap(\.bytes)
      if Int.random(in: 0..<4, using: &random) == 0 {
        stream[Int.random(in: 0..<stream.count, using: &random)] = .random(in: 0 ... .max, using: &random)
      } else {
        wanted = requests.filter(\.passes).flatMap(\.bytes)
      }
      var rest = stream[...]
      var isEnded = false
      loop: while !rest.isEmpty && !isEnded {
        var chunk = rest.prefix(Int.random(in: 1...40, using: &random))
        rest = rest.dropFirst(chunk.count)
        while true {
          switch scanner.next(chunk) {
          case .pass(let held, let from, let count):
            sent += held + chunk.dropFirst(from).prefix(count)
            chunk = chunk.dropFirst(from + count)
          case .take(let count): chunk = chunk.dropFirst(count)
          case .ask(let header, _, let count):
            chunk = chunk.dropFirst(count)
            if header.clientID == "yes" {
              scanner.allow()
            } else if scanner.refuse(.noToken) != nil {
              isEnded = true
              break loop
            }
            continue
          case .answer(_, let count): chunk = chunk.dropFirst(count)
          case .end:
            isEnded = true
            break loop
          }
          if chunk.isEmpty { break }
        }
      }
      if !wanted.isEmpty && !isEnded { #expect(sent == wanted) }
    }
  }

  private static func request(_ id: Int32, _ random: inout some RandomNumberGenerator) -> (bytes: [UInt8], passes: Bool)
  {
    let isAdministration = Bool.random(using: &random)
    let passes = Bool.random(using: &random)
    let name = Array((passes ? "yes" : "no").utf8)
    let body =
      isAdministration
      ? big(Int32(1)) + [0, 1, 97] + big(Int32(9)) : (0..<Int.random(in: 0...60, using: &random)).map { UInt8($0) }
    let frame =
      big(Int16(isAdministration ? 20 : 3)) + big(Int16(1)) + big(id) + big(Int16(name.count)) + name + body
    return (big(Int32(frame.count)) + frame, passes || !isAdministration)
  }

  @Test func answersAreMatchedInOrder() throws {
    var expected = ExpectedAnswers()
    expected.add([1, 2, 3, 4])
    // 2 was not answered; the answer to 3 settles it.
    let settled = [1, 3, 2, 4].map { expected.settle($0) }
    #expect(settled == [true, true, false, true])
    #expect(expected.count == 0)
    var scanner = ResponseScanner()
    let bytes = big(Int32(6)) + big(Int32(9)) + [1, 2] + big(Int32(4)) + big(Int32(10))
    for byte in bytes.dropLast() { _ = try scanner.scan([byte]) }
    #expect(!scanner.isBetween)
    let last = try scanner.scan(bytes.suffix(1))
    #expect(last == [10])
    #expect(scanner.isBetween)
    #expect(throws: ResponseScanner.Malformed(size: 3)) {
      var scanner = ResponseScanner()
      _ = try scanner.scan((big(Int32(3)) + big(Int32(1)))[...])
    }
  }
}
