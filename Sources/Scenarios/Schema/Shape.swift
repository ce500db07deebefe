internal import Support

/// The form of a value in a scenario file, as data: what JSON Schema can say of it. The readers decide what is accepted; tests
/// hold the two against each other, key by key.
indirect enum Shape: Sendable {
  /// Any text, whole number or boolean that stands in one place: YAML does not tell them apart before they are read.
  case text
  /// A text of this pattern.
  case pattern(String)
  /// One of these words.
  case choice([String])
  /// A whole number.
  case integer(ClosedRange<Int64>)
  /// Any number.
  case number
  /// A list.
  case list(Shape)
  /// A mapping with these keys.
  case keys([Key])
  /// A mapping whose keys the writer chooses.
  case names(longest: Int, Shape)
  /// A mapping with keys that may be anything, such as header fields.
  case anyKeys(Shape)
  /// One of several forms.
  case any([Shape])
  /// A form that is described once, by its name.
  case named(String)

  /// One key of a mapping.
  struct Key: Sendable {
    var name: String
    var shape: Shape
    var isRequired = false
    /// The value when it is absent, as it would be written.
    var fallback: String?
    var meaning: String

    /// A key that must be there.
    static func must(_ name: String, _ shape: Shape, _ meaning: String) -> Key {
      Key(name: name, shape: shape, isRequired: true, meaning: meaning)
    }

    /// A key that may be there.
    static func may(_ name: String, _ shape: Shape, _ meaning: String) -> Key {
      Key(name: name, shape: shape, meaning: meaning)
    }

    /// A key that may be there, and has a value when it is not.
    static func may(_ name: String, _ shape: Shape, _ fallback: String, _ meaning: String) -> Key {
      Key(name: name, shape: shape, fallback: fallback, meaning: meaning)
    }
  }

  /// One of the words of an enumeration.
  static func words<T: RawRepresentable<String> & CaseIterable>(_ type: T.Type) -> Shape {
    .choice(T.allCases.map(\.rawValue))
  }

  /// A name of something in the drill.
  static func name(_ longest: Int) -> Shape { .pattern("^[a-z0-9]([a-z0-9-]{0,\(longest - 2)}[a-z0-9])?$") }

  static let duration = Shape.named("duration")
  static let rate = Shape.named("rate")
  static let percentage = Shape.named("percentage")
  static let bitRate = Shape.named("bitRate")
  static let size = Shape.named("size")
  static let region = Shape.text
  static let network = Shape.pattern("^[0-9a-fA-F.:]+/[0-9]{1,3}$")
  static let ports = Shape.list(.pattern("^[0-9]{1,5}(-[0-9]{1,5})?$"))
}
