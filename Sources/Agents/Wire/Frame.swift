/// A frame of the stream between a controller and an agent: four bytes that say what it is, the length of its content in four
/// bytes, the most significant first, and that content, one JSON value.
public enum Frame {
  /// `BSA` and the version of this form.
  static let mark: [UInt8] = [0x42, 0x53, 0x41, 0x01]
  /// Mark and length.
  static let headBytes = 8
  /// The most bytes of content: a node with tens of thousands of rules has a snapshot of some megabytes.
  public static let limitBytes = 16 << 20

  /// The bytes of a frame with this content.
  ///
  /// - Throws: ``FrameError/tooLong(bytes:)``.
  public static func bytes(of content: [UInt8]) throws(FrameError) -> [UInt8] {
    guard content.count <= limitBytes else { throw .tooLong(bytes: content.count) }
    let length = UInt32(content.count)
    return mark + [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: length >> UInt32($0)) } + content
  }
}

/// Takes a stream of bytes apart into the contents of its frames. Holds at most one frame and what came with it.
public struct FrameReader: Sendable {
  private var bytes: [UInt8] = []
  /// Where the next frame begins in ``bytes``.
  private var start = 0
  /// Bytes of the stream before ``bytes``.
  private var consumed = 0

  /// A reader at the beginning of a stream.
  public init() {}

  /// Takes in what came.
  public mutating func take(_ more: some Sequence<UInt8>) {
    if start > 0 {
      consumed += start
      bytes.removeFirst(start)
      start = 0
    }
    bytes.append(contentsOf: more)
  }

  /// The content of the next frame; `nil`: more must come first.
  ///
  /// - Throws: ``FrameError`` as soon as what has come can be no frame; there is no way back into the stream then.
  public mutating func next() throws(FrameError) -> [UInt8]? {
    let have = bytes.count - start
    for (index, byte) in Frame.mark.prefix(have).enumerated() where bytes[start + index] != byte {
      throw .foreign(at: consumed + start, Self.shown(bytes[start...]))
    }
    guard have >= Frame.headBytes else { return nil }
    let length = bytes[(start + 4)..<(start + 8)].reduce(0) { $0 << 8 | Int($1) }
    guard length <= Frame.limitBytes else { throw .tooLong(bytes: length) }
    guard have >= Frame.headBytes + length else { return nil }
    let content = start + Frame.headBytes
    start = content + length
    return Array(bytes[content..<start])
  }

  /// Notes that nothing more comes.
  ///
  /// - Throws: ``FrameError/truncated(at:have:)`` when that is within a frame.
  public func finish() throws(FrameError) {
    guard start == bytes.count else { throw .truncated(at: consumed + start, have: bytes.count - start) }
  }

  /// What stands there instead of a frame, for a person: its first line.
  private static func shown(_ bytes: ArraySlice<UInt8>) -> String {
    let line = bytes.prefix(80).prefix { $0 != 0x0A && $0 != 0x0D }
    return String(String(decoding: line, as: UTF8.self).map { $0.isASCII && !$0.isLetter && $0 < " " ? "·" : $0 })
  }
}

/// Why a stream is none of an agent's.
public enum FrameError: Error, Sendable, Hashable, CustomStringConvertible {
  /// Something else stands where a frame should begin, so many bytes into the stream: its first line.
  case foreign(at: Int, String)
  /// A frame says that it is longer than any may be.
  case tooLong(bytes: Int)
  /// The stream ends within the frame that began so many bytes into it, of which so many are there.
  case truncated(at: Int, have: Int)
  /// The content of a frame is no message: why.
  case unreadable(String)

  /// For people.
  public var description: String {
    switch self {
    case .foreign(let place, let text):
      "at byte \(place) of the stream there is no message but '\(text)': something else writes to it, such as a start file "
        + "of the shell there"
    case .tooLong(let bytes): "a message of \(bytes) bytes is longer than any may be, \(Frame.limitBytes)"
    case .truncated(let place, let have):
      "the stream ends within the message at byte \(place), of which \(have) bytes have come"
    case .unreadable(let why): "a message cannot be read at byte 0 of its content or later: \(why)"
    }
  }
}
