/// What a scenario file may cost to read. Far above any real scenario, far below what would hurt the reader's machine.
struct YamlLimits: Sendable {
  /// Largest file.
  var fileSize = ByteSize(bytes: 10 << 20)
  /// Deepest nesting of lists and mappings.
  var depth = 64
  /// Values in the document, with every alias counted as all the values it stands for: a "billion laughs" file of a few
  /// hundred bytes ends here, before anything is expanded.
  var nodes = 200_000
}
