internal import Support

/// A file that a scenario includes.
public struct IncludedFile: Sendable, Hashable, Codable {
  /// Its path, as seen from where the tool was started.
  public var path: String
  /// SHA-256 of its bytes.
  public var digest: String
}

/// Puts the documents that a scenario is made of together, before anything is read. What the including file says stands
/// above what is included: mappings are joined key by key, anything else is replaced.
final class Assembly {
  /// Enough for shared topologies; a scenario that needs more is a program.
  static let mostFiles = 16
  static let deepest = 8

  private let reading: Reading
  private let inputs: ScenarioInputs
  private var roots: [String: Node] = [:]
  private var size = 0
  private(set) var included: [IncludedFile] = []

  init(_ reading: Reading, _ inputs: ScenarioInputs) {
    self.reading = reading
    self.inputs = inputs
  }

  /// The document of `bytes` with everything that it includes.
  func document(_ bytes: [UInt8], file: String) throws(Problems) -> Node {
    size = bytes.count
    let root = try parseYaml(bytes, file: file)
    return try complete(root, file: file, within: [normal(file)])
  }

  private func complete(_ root: Node, file: String, within chain: [String]) throws(Problems) -> Node {
    guard case .mapping(let members) = root.content, let include = members.first(where: { $0.key == "include" }) else {
      return root
    }
    let list = Value(include.value, path: "include", in: reading, at: include.keyMark)
    guard let entries = list.list({ value in value.text(expected: "a file").map { (value, $0) } }) else { return root }
    var base: Node?
    for (value, name) in entries {
      guard let node = try included(name, at: value, from: file, within: chain) else { continue }
      base = base.map { join($0, node, path: "") } ?? node
    }
    return base.map { Self.overlay($0, root) } ?? root
  }

  private func included(
    _ name: String, at value: Value, from file: String, within chain: [String]
  ) throws(Problems) -> Node? {
    let path = path(of: name, in: file)
    if let cycle = chain.firstIndex(of: path) {
      let round = (chain[cycle...] + [path]).joined(separator: " → ")
      value.mistake("includes itself: \(round)", fix: "take what both need into a third file")
      return nil
    }
    guard chain.count < Self.deepest else {
      value.mistake(
        "files include each other more than \(Self.deepest) deep", fix: "include fewer files in one another")
      return nil
    }
    if let known = roots[path] { return known }
    guard let read = inputs.include else {
      value.mistake("nothing can be included here", fix: "give the scenario as a file")
      return nil
    }
    guard included.count < Self.mostFiles else {
      value.mistake("more than \(Self.mostFiles) files are included", fix: "put some of them together")
      return nil
    }
    let bytes: [UInt8]
    do { bytes = try read(path) } catch {
      value.mistake("\(quoted(path)) \(error.what)", fix: error.fix)
      return nil
    }
    size += bytes.count
    guard size <= YamlLimits().fileSize.bytes else {
      value.mistake(
        "the scenario and the files that it includes are larger than \(YamlLimits().fileSize.brief) together")
      return nil
    }
    let source = reading.add(file: path, bytes)
    included.append(IncludedFile(path: path, digest: sha256(bytes)))
    let root = try parseYaml(bytes, file: path, source: source)
    guard case .mapping = root.content else {
      reading.found(at: root.mark, path: "", "expected a mapping, as a scenario has it, found \(root.summary)")
      return nil
    }
    let whole = try complete(root, file: path, within: chain + [path]).without("include")
    roots[path] = whole
    return whole
  }

  /// Two included documents side by side; they may not both say the same thing.
  private func join(_ one: Node, _ other: Node, path: String) -> Node {
    guard case .mapping(var members) = one.content, case .mapping(let more) = other.content else {
      if one.mark != other.mark {
        reading.found(
          at: other.mark, path: path,
          "two included files both say this; the other is \(reading.location(one.mark))",
          fix: "keep one of the two, or say it in the including file")
      }
      return one
    }
    for member in more {
      if let index = members.firstIndex(where: { $0.key == member.key }) {
        let own = path.isEmpty ? member.key : "\(path).\(member.key)"
        members[index].value = join(members[index].value, member.value, path: own)
      } else {
        members.append(member)
      }
    }
    return Node(content: .mapping(members), mark: one.mark)
  }

  /// `above` laid over `base`.
  private static func overlay(_ base: Node, _ above: Node) -> Node {
    guard case .mapping(var members) = base.content, case .mapping(let more) = above.content else { return above }
    for member in more {
      if let index = members.firstIndex(where: { $0.key == member.key }) {
        members[index] = Node.Member(
          key: member.key, keyMark: member.keyMark, value: overlay(members[index].value, member.value))
      } else {
        members.append(member)
      }
    }
    return Node(content: .mapping(members), mark: above.mark)
  }
}

extension Node {
  fileprivate func without(_ key: String) -> Node {
    guard case .mapping(let members) = content else { return self }
    return Node(content: .mapping(members.filter { $0.key != key }), mark: mark)
  }
}

/// Where a file is that is called `name` in the file at `path`.
func path(of name: String, in path: String) -> String {
  name.hasPrefix("/") ? normal(name) : normal(folder(of: path) + name)
}

/// The folder of `path` with its slash; empty for the current one.
private func folder(of path: String) -> String {
  guard let slash = path.lastIndex(of: "/") else { return "" }
  return String(path[...slash])
}

/// `path` without `.` and inner `..`, so that one file has one name.
private func normal(_ path: String) -> String {
  var parts: [Substring] = []
  for part in path.split(separator: "/") where part != "." {
    if part == "..", let last = parts.last, last != ".." { parts.removeLast() } else { parts.append(part) }
  }
  return (path.hasPrefix("/") ? "/" : "") + parts.joined(separator: "/")
}
