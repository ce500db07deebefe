internal import CKernel
internal import Glibc
internal import Support

/// A pipe through which the kernel moves bytes from one socket to another.
final class Pipe {
  let exit: Descriptor
  let entrance: Descriptor
  let capacity: Int

  init(bytes: Int) throws(SystemError) {
    var ends: [Int32] = [-1, -1]
    let capacity = bs_pipe(&ends, Int32(bytes))
    guard capacity > 0 else { throw SystemError("pipe2") }
    (exit, entrance) = (Descriptor(ends[0]), Descriptor(ends[1]))
    self.capacity = Int(capacity)
  }
}

/// Bytes on their way into a socket that may not take them all at once: in memory, or behind them in a pipe.
struct Outgoing {
  private var bytes: [UInt8] = []
  private var first = 0
  private var pipe: Pipe?
  private var inPipe = 0

  var isEmpty: Bool { first == bytes.count && inPipe == 0 }

  /// Sends `more` behind what waits already; what the socket does not take now waits.
  ///
  /// - Returns: whether the connection still stands.
  mutating func send(_ more: ArraySlice<UInt8>, _ channel: Channel) -> Bool {
    if more.isEmpty { return true }
    precondition(inPipe == 0, "bytes behind a pipe")
    var rest = more
    if isEmpty {
      guard let count = channel.write(more) else { return false }
      rest = more.dropFirst(count)
      if rest.isEmpty { return true }
      bytes.removeAll(keepingCapacity: bytes.capacity <= 1 << 18)
      first = 0
    }
    bytes += rest
    return true
  }

  /// Takes over `count` bytes that are in `pipe`.
  mutating func hold(_ pipe: Pipe, _ count: Int) {
    precondition(isEmpty, "a pipe behind bytes")
    self.pipe = pipe
    inPipe = count
  }

  /// Sends what waits, as far as the socket takes it.
  ///
  /// - Returns: whether the connection still stands.
  mutating func flush(_ channel: Channel) -> Bool {
    if first < bytes.count {
      guard let count = channel.write(bytes[first...]) else { return false }
      first += count
      if first < bytes.count { return true }
      bytes.removeAll(keepingCapacity: bytes.capacity <= 1 << 18)
      first = 0
    }
    while let pipe, inPipe > 0 {
      let count = bs_splice(pipe.exit.number, channel.number, inPipe)
      if count > 0 {
        inPipe -= count
      } else {
        return count < 0 && (errno == EAGAIN || errno == EINTR)
      }
    }
    return true
  }

  /// Gives a pipe back that is not needed now.
  mutating func takeEmptyPipe() -> Pipe? {
    guard inPipe == 0 else { return nil }
    defer { pipe = nil }
    return pipe
  }
}
