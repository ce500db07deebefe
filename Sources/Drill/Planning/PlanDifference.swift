public import Scenarios
internal import Support

/// One value that two plans have differently.
public struct PlanDifference: Sendable, Hashable, Codable, CustomStringConvertible {
  /// Where it stands: `faults[0].ends`.
  public var path: String
  /// What the first plan says; `nil`: nothing.
  public var first: String?
  /// What the second plan says; `nil`: nothing.
  public var second: String?

  /// `faults[0].ends: 14s, not 20s`.
  public var description: String {
    switch (first, second) {
    case (let first?, let second?): "\(path): \(first) → \(second)"
    case (let first?, nil): "\(path): \(first) → nothing"
    case (nil, let second?): "\(path): nothing → \(second)"
    case (nil, nil): path
    }
  }
}

extension Plan {
  /// Everything that `other` says differently, in the order of the paths. The version of the tool does not count.
  public func differences(to other: Plan) throws -> [PlanDifference] {
    var (one, two) = (self, other)
    one.tool = ""
    two.tool = ""
    var found: [PlanDifference] = []
    compare(
      try decodeJSON(JSONValue.self, from: encodeJSON(one)), try decodeJSON(JSONValue.self, from: encodeJSON(two)), "",
      &found)
    return found
  }
}

private func compare(_ one: JSONValue?, _ two: JSONValue?, _ path: String, _ found: inout [PlanDifference]) {
  if one == two { return }
  switch (one, two) {
  case (.object(let left)?, .object(let right)?):
    for key in Set(left.keys).union(right.keys).sorted() {
      compare(left[key], right[key], path.isEmpty ? key : "\(path).\(key)", &found)
    }
  case (.array(let left)?, .array(let right)?):
    for index in 0..<max(left.count, right.count) {
      compare(
        index < left.count ? left[index] : nil, index < right.count ? right[index] : nil, "\(path)[\(index)]", &found)
    }
  default:
    found.append(PlanDifference(path: path, first: one.map(text), second: two.map(text)))
  }
}

private func text(_ value: JSONValue) -> String {
  if let text = value.string { return text }
  // Whatever was decoded can be encoded.
  return (try? encodeJSON(value)).map { String(decoding: $0, as: UTF8.self) } ?? "?"
}
