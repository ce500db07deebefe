import Glibc
import Support
import Testing

/// Sent to the process as a whole, as a terminal and kill(1) do it.
@Test(.timeLimit(.minutes(1))) func everySignalComesThrough() async throws {
  // Nobody else in this process uses these two; their default would end it.
  let stream = try signalStream([SIGUSR1, SIGUSR2])
  var numbers = stream.makeAsyncIterator()
  for round in 0..<500 {
    let number = round % 2 == 0 ? SIGUSR1 : SIGUSR2
    try #require(kill(getpid(), number) == 0)
    #expect(await numbers.next() == number)
  }
}
