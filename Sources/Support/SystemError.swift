public import Glibc

/// A system call that the kernel refused: which call, on what, and its errno.
public struct SystemError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The call, such as `setns`.
  public var call: String
  /// Its errno.
  public var number: Int32
  /// What it was applied to: a path, a pid, a namespace.
  public var object: String

  /// Records `call` on `object`; `number` defaults to the thread's errno, so build it right after the call.
  public init(_ call: String, _ object: String = "", number: Int32 = errno) {
    self.call = call
    self.number = number
    self.object = object
  }

  /// `setns /run/netns/x: Operation not permitted (1)`.
  public var description: String {
    "\(call)\(object.isEmpty ? "" : " \(object)"): \(Self.text(number)) (\(number))"
  }

  static func text(_ number: Int32) -> String {
    var buffer = [CChar](repeating: 0, count: 128)
    guard strerror_r(number, &buffer, buffer.count) == 0 else { return "error" }
    return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }
}
