internal import Support

extension Commands {
  /// `blackstart version`
  static let version = Command(
    name: "version", summary: "Prints the version and which build this is."
  ) { _, tool in
    tool.console.print("blackstart \(Version.number) (build \(try Version.build()))\n")
    return .pass
  }
}
