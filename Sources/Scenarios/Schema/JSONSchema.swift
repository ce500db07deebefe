internal import Support

/// The JSON Schema (draft 2020-12) of a scenario file, for editors and other tools. It says what can be said without reading the
/// whole: names that must exist, arithmetic and order are `blackstart validate`'s part.
///
/// - Throws: what encoding throws, which is a bug.
public func scenarioSchema() throws -> [UInt8] {
  var root: [String: JSONValue] = [
    "$schema": .string("https://json-schema.org/draft/2020-12/schema"),
    "title": .string("Blackstart scenario"),
    "description": .string("A drill in the language \(Scenario.apiVersion)."),
  ]
  for (key, value) in Shape.scenario.schema { root[key] = value }
  root["$defs"] = .object(
    Dictionary(uniqueKeysWithValues: Shape.definitions.map { ($0.name, JSONValue.object($0.shape.schema)) }))
  return try encodeJSON(JSONValue.object(root), pretty: true)
}

extension Shape {
  /// A variable may stand in place of any value.
  private static let variable = JSONValue.object(["type": .string("string"), "pattern": .string(#"\$\{"#)])

  /// What JSON Schema says of it.
  fileprivate var schema: [String: JSONValue] {
    switch self {
    case .text: ["type": .array(["string", "number", "boolean"].map(JSONValue.string))]
    case .pattern(let pattern):
      orVariable(["type": .array(["string", "number"].map(JSONValue.string)), "pattern": .string(pattern)])
    case .choice(let words): orVariable(["enum": .array(words.map(JSONValue.string))])
    case .integer(let range):
      orVariable([
        "type": .string("integer"), "minimum": .integer(range.lowerBound), "maximum": .integer(range.upperBound),
      ])
    case .number: orVariable(["type": .string("number")])
    case .list(let element): ["type": .string("array"), "items": .object(element.schema)]
    case .keys(let keys): Self.schema(of: keys)
    case .names(let longest, let value):
      [
        "type": .string("object"), "additionalProperties": .object(value.schema),
        "propertyNames": .object(["pattern": .string("^[a-z0-9]([a-z0-9-]{0,\(longest - 2)}[a-z0-9])?$")]),
      ]
    case .anyKeys(let value): ["type": .string("object"), "additionalProperties": .object(value.schema)]
    case .any(let shapes): ["anyOf": .array(shapes.map { .object($0.schema) })]
    case .named(let name): ["$ref": .string("#/$defs/\(name)")]
    }
  }

  private func orVariable(_ schema: [String: JSONValue]) -> [String: JSONValue] {
    ["anyOf": .array([.object(schema), Self.variable])]
  }

  private static func schema(of keys: [Key]) -> [String: JSONValue] {
    var properties: [String: JSONValue] = [:]
    for key in keys {
      var schema = key.shape.schema
      schema["description"] = .string(key.meaning)
      if let fallback = key.fallback { schema["default"] = .string(fallback) }
      properties[key.name] = .object(schema)
    }
    var result: [String: JSONValue] = [
      "type": .string("object"), "properties": .object(properties), "additionalProperties": .bool(false),
    ]
    let required = keys.filter(\.isRequired).map(\.name)
    if !required.isEmpty { result["required"] = .array(required.map(JSONValue.string)) }
    return result
  }
}
