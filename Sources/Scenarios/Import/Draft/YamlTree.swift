/// A YAML document before it is written: values with the comments that stand above them.
indirect enum YamlTree: Sendable, Hashable {
  /// A text of a person: quoted wherever another YAML reader could take it for something else.
  case text(String)
  /// A word of the language, a number, a quantity: written as it is where that is safe.
  case word(String)
  /// A list, one element a line.
  case list([YamlTree])
  /// A mapping, one key a line.
  case mapping([Member])
  /// A list or mapping on one line.
  case flow(YamlTree)
  /// A value with comment lines above it.
  case commented([String], YamlTree)

  /// One key with its value.
  struct Member: Sendable, Hashable {
    var key: String
    var value: YamlTree

    init(_ key: String, _ value: YamlTree) {
      self.key = key
      self.value = value
    }
  }

  /// What was read, to be written again. Comments are gone; every scalar is kept to the letter.
  init(_ node: Node) {
    switch node.content {
    case .scalar(let text, plain: true): self = .word(text)
    case .scalar(let text, plain: false): self = .text(text)
    case .sequence(let elements): self = .list(elements.map { YamlTree($0) })
    case .mapping(let members): self = .mapping(members.map { Member($0.key, YamlTree($0.value)) })
    }
  }
}
