import Support
import Testing

@Suite struct MapConcurrentlyTests {
  private struct Odd: Error, Equatable { var number: Int }

  @Test(arguments: [0, 1, 64, 65, 1000, 4097]) func resultsStandInTheOrderOfTheElements(count: Int) {
    #expect(Array(0..<count).mapConcurrently { $0 * 3 } == (0..<count).map { $0 * 3 })
  }

  @Test func aSliceIsMappedAsItIs() {
    let numbers = Array(0..<1000)
    #expect(numbers[100..<900].mapConcurrently { $0 } == Array(100..<900))
  }

  @Test(arguments: [10, 1000]) func theFirstElementThatFailsIsTold(count: Int) {
    #expect(throws: Odd(number: 7)) {
      _ = try Array(0..<count).mapConcurrently { (number: Int) throws(Odd) -> Int in
        if number >= 7 { throw Odd(number: number) }
        return number
      }
    }
  }
}
