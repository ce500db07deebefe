/// The two requests by which a client proves who it is: SaslHandshake, version 1, and SaslAuthenticate, version 0 (KIP-43, KIP-152;
/// Kafka 1.0 and newer, also 4).
public enum SaslFrames {
  /// What the broker said to the choice of a mechanism.
  public struct Handshake: Sendable, Hashable {
    /// 0, or Kafka's number for why not: 33 for a mechanism that it does not take.
    public var error: Int16
    /// The mechanisms that it takes.
    public var mechanisms: [String]
  }

  /// What the broker said to a step of the proof.
  public struct Step: Sendable, Hashable {
    /// 0, or Kafka's number for why not: 58 for a proof that proves nothing.
    public var error: Int16
    /// In words; `nil`: none.
    public var message: String?
    /// The mechanism's own answer.
    public var bytes: [UInt8]
  }

  /// Chooses a mechanism, its length in front.
  public static func handshake(_ mechanism: String, correlationID: Int32, clientID: String) -> [UInt8] {
    framed(RequestHeader(apiKey: 17, apiVersion: 1, correlationID: correlationID, clientID: clientID)) {
      $0.string(mechanism)
    }
  }

  /// Reads what the broker said to the choice.
  ///
  /// - Throws: ``WireError`` for a response that is not whole, or to another request.
  public static func handshakeAnswer(_ bytes: [UInt8], correlationID: Int32) throws(WireError) -> Handshake {
    var reader = try answer(bytes, to: correlationID)
    var result = Handshake(error: try reader.integer(), mechanisms: [])
    for _ in 0..<(try arrayCount(&reader)) { result.mechanisms.append(try reader.string()) }
    return result
  }

  /// Carries a step of the proof, its length in front.
  public static func step(_ bytes: [UInt8], correlationID: Int32, clientID: String) -> [UInt8] {
    framed(RequestHeader(apiKey: 36, apiVersion: 0, correlationID: correlationID, clientID: clientID)) {
      $0.integer(Int32(bytes.count))
      $0.raw(bytes)
    }
  }

  /// Reads what the broker said to a step.
  ///
  /// - Throws: ``WireError`` for a response that is not whole, or to another request.
  public static func stepAnswer(_ bytes: [UInt8], correlationID: Int32) throws(WireError) -> Step {
    var reader = try answer(bytes, to: correlationID)
    let error = try reader.integer(Int16.self)
    let message = try reader.nullableString()
    return Step(error: error, message: message, bytes: Array(try reader.nullableBytes() ?? []))
  }
}
