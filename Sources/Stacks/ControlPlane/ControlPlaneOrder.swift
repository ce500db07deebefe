internal import Support

/// What an operator may tell a control plane: a line of JSON on its socket, which only its owner can open.
public enum ControlPlaneOrder: String, Sendable, Hashable, Codable, CaseIterable {
  /// Give up write authority if this region has it, and do not campaign.
  case standDown = "stand-down"
  /// Campaign again whenever nobody holds write authority.
  case standBy = "stand-by"

  private struct Line: Codable { var order: ControlPlaneOrder }

  /// The order in a line; `nil` for what is none.
  init?(line: [UInt8]) {
    do { self = try decodeJSON(Line.self, from: line).order } catch { return nil }
  }

  /// The order as a line, with its end.
  var line: [UInt8] {
    get throws { try encodeJSON(Line(order: self)) + [UInt8(ascii: "\n")] }
  }
}

/// Gives an order to the control plane at `path`. Returns when it has left; what it came to, the plane's state says.
///
/// - Throws: ``SystemError`` when nobody listens there.
public func give(_ order: ControlPlaneOrder, to path: String) async throws {
  let line = try order.line
  try await onOwnThread("order") { try LineReader(path: path).send(line) }
}
