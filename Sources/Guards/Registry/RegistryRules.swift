/// Which requests to a schema registry change something. Confluent's API, version 7 (its reference, "Schema Registry API").
struct RegistryRules: Sendable {
  enum Kind: Sendable, Equatable {
    case read
    case write
    /// `/mode`, of the whole registry or of one subject, which the guard answers itself.
    case mode(ofSubject: Bool)
  }

  /// Paths under which the API stands: Confluent's at the root, Apicurio's under its own.
  static let usualBases = ["", "/apis/ccompat/v6", "/apis/ccompat/v7", "/apis/ccompat/v8"]

  let bases: [String]
  let servesMode: Bool

  /// Everything is a write that is not known to be none.
  func kind(_ head: HTTPRequestHead) -> Kind {
    let path = head.target.prefix { $0 != "?" && $0 != "#" }
    let segments = segments(of: String(path))
    if servesMode, let segments, segments.first == "mode", segments.count <= 2 {
      return .mode(ofSubject: segments.count == 2)
    }
    // Some servers take another method from these fields.
    let overrides = ["x-http-method-override", "x-http-method", "x-method-override"]
    guard overrides.allSatisfy({ head.fields.all($0).isEmpty }) else { return .write }
    switch head.method {
    case "GET", "HEAD", "OPTIONS": return .read
    case "POST":
      guard let segments else { return .write }
      // `POST /subjects/S`: is this schema registered there? `POST /compatibility/subjects/S/versions[/V]`: could it be?
      if segments.count == 2, segments[0] == "subjects" { return .read }
      if (4...5).contains(segments.count), segments[0] == "compatibility", segments[1] == "subjects",
        segments[3] == "versions"
      {
        return .read
      }
      return .write
    default: return .write
    }
  }

  /// The segments behind the base; `nil` for a path outside of it, or one that another reader could split differently.
  private func segments(of path: String) -> [Substring]? {
    let lower = path.lowercased()
    guard !["%2f", "%5c", "%2e", "%00", "%25", "\\", ";"].contains(where: lower.contains) else { return nil }
    for base in bases.sorted(by: { $0.utf8.count > $1.utf8.count }) where path.hasPrefix(base + "/") {
      var segments = path.dropFirst(base.utf8.count + 1).split(separator: "/", omittingEmptySubsequences: false)
      if segments.last?.isEmpty == true { segments.removeLast() }
      return segments.contains { $0.isEmpty || $0 == "." || $0 == ".." } ? nil : segments
    }
    return nil
  }
}
