import Glibc
import Support
import Testing

/// Signals that are sent to the process as a whole, as a terminal does it, and to one of its threads.
@Test func everySignalComesThrough() async throws {
  // Nobody else in this process uses these two; their default would end it.
  let stream = try signalStream([SIGUSR1, SIGUSR2])
  var numbers = stream.makeAsyncIterator()
  for round in 0..<200 {
    let number = round % 2 == 0 ? SIGUSR1 : SIGUSR2
    if round % 3 == 0 { raise(number) } else { kill(getpid(), number) }
    #expect(await numbers.next() == number)
  }
}
