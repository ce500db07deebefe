internal import Support

/// Collects what one pass over a file finds wrong, and where its keys stand.
final class Reading {
  /// The scenario's own file, then those that it includes.
  private(set) var files: [String]
  private(set) var diagnostics: [Diagnostic] = []
  private(set) var places: SourceMap

  /// Files that are read besides scenarios, by path, each once.
  private(set) var others: [IncludedFile] = []
  /// The bytes of all files but the first, by path.
  private(set) var bytes: [String: [UInt8]] = [:]
  private let inputs: ScenarioInputs
  private var contents: [String: (bytes: [UInt8], source: Int)] = [:]

  init(file: String, inputs: ScenarioInputs = ScenarioInputs()) {
    files = [file]
    places = SourceMap(file: file)
    self.inputs = inputs
  }

  /// The bytes of the file called `name` in the document that `mark` lies in, and the number of its own marks.
  ///
  /// - Parameter say: notes why it cannot be read; the result is `nil` then.
  func bytes(
    of name: String, namedAt mark: Mark, say: (_ what: String, _ fix: String?) -> Void
  ) -> (bytes: [UInt8], source: Int)? {
    let path = path(of: name, in: files[mark.source])
    if let known = contents[path] { return known }
    guard let read = inputs.include else {
      say("no other file can be read here", "give the scenario as a file")
      return nil
    }
    let bytes: [UInt8]
    do { bytes = try read(path) } catch {
      say("\(quoted(path)) \(error.what)", error.fix)
      return nil
    }
    let found = (bytes, add(file: path, bytes))
    others.append(IncludedFile(path: path, digest: sha256(bytes)))
    contents[path] = found
    return found
  }

  /// Values that stand for a variable without a value, which was said already: what else is wrong with them follows from that.
  private var unfilled: Set<Mark> = []

  func found(_ severity: Diagnostic.Severity = .error, at mark: Mark, path: String, _ what: String, fix: String? = nil)
  {
    diagnostics.append(Diagnostic(severity, at: location(mark), path: path, what, fix: fix))
  }

  func record(_ path: String, at mark: Mark) { places.record(path, at: location(mark)) }

  func location(_ mark: Mark) -> SourceLocation { mark.location(in: files[mark.source]) }

  /// Remarks that the value at `mark` could not be written out.
  func leave(unfilled mark: Mark) { unfilled.insert(mark) }

  func isUnfilled(_ mark: Mark) -> Bool { !unfilled.isEmpty && unfilled.contains(mark) }

  /// Adds an included file; returns the number of its marks.
  func add(file: String, _ content: [UInt8]) -> Int {
    files.append(file)
    bytes[file] = content
    return files.count - 1
  }
}

/// A node on its way into the model: it knows its path, and notes mistakes instead of throwing, so that one pass finds
/// all of them. Every reader returns `nil` after a mistake that it noted.
struct Value {
  let node: Node
  let path: String
  let reading: Reading

  /// - Parameter place: where later checks point for this path; the value itself where `nil`.
  init(_ node: Node, path: String, in reading: Reading, at place: Mark? = nil) {
    self.node = node
    self.path = path
    self.reading = reading
    reading.record(path, at: place ?? node.mark)
  }

  /// Notes a mistake at this value.
  func mistake(_ what: String, fix: String? = nil) {
    guard !reading.isUnfilled(node.mark) else { return }
    reading.found(at: node.mark, path: path, what, fix: fix)
  }

  /// The text of a scalar.
  ///
  /// - Parameter isTemplate: whether references that the run resolves may stand in it.
  func text(expected: String = "a text", isTemplate: Bool = false) -> String? {
    guard case .scalar(let text, _) = node.content, !node.isNull else {
      mistake("expected \(expected), found \(node.summary)")
      return nil
    }
    if !isTemplate, let reference = Template(text).firstReference {
      mistake(
        "\(quoted(reference)) has no meaning here",
        fix: "secrets stand in probes, steps and messages only, and facts in messages")
      return nil
    }
    return text
  }

  /// A quantity with its unit.
  func unit<T: Unit>(_ type: T.Type = T.self) -> T? {
    guard let text = text(expected: T.form) else { return nil }
    do {
      return try T(written: text)
    } catch {
      mistake(error.what, fix: error.fix)
      return nil
    }
  }

  /// A duration longer than zero.
  func positiveDuration() -> Duration? {
    guard let duration: Duration = unit() else { return nil }
    guard duration > .zero else {
      mistake("must be longer than zero")
      return nil
    }
    return duration
  }

  /// A whole number in `range`.
  func integer(in range: ClosedRange<Int64>) -> Int64? {
    let form = "a whole number from \(range.lowerBound) to \(range.upperBound)"
    guard let text = text(expected: form) else { return nil }
    guard text.utf8.allSatisfy({ (48...57).contains($0) || $0 == 45 }), let number = Int64(text) else {
      mistake("expected \(form), found \(quoted(text))")
      return nil
    }
    guard range.contains(number) else {
      mistake("expected \(form), found \(text)")
      return nil
    }
    return number
  }

  /// A name of something in the drill. It becomes part of the names of kernel objects and files, hence its narrow form.
  func name(longest: Int = 32) -> String? {
    let form = "a name (lower-case letters, digits and inner hyphens, at most \(longest))"
    guard let text = text(expected: form) else { return nil }
    guard isName(text, longest: longest) else {
      mistake("expected \(form), found \(quoted(text))")
      return nil
    }
    return text
  }

  /// One of the cases of an enumeration with names.
  func choice<T: RawRepresentable<String> & CaseIterable>(_ type: T.Type = T.self, called what: String) -> T? {
    let names = T.allCases.map(\.rawValue)
    guard let text = text(expected: "\(what): \(names.joined(separator: ", "))") else { return nil }
    if let value = T(rawValue: text) { return value }
    let near = closest(to: text, among: names).map { "did you mean '\($0)'? " } ?? ""
    mistake("\(quoted(text)) is not \(what)", fix: "\(near)known: \(names.joined(separator: ", "))")
    return nil
  }

  /// The elements of a list, each read by `read`. `nil` when any of them was wrong.
  func list<T>(_ read: (Value) -> T?) -> [T]? {
    guard case .sequence(let nodes) = node.content else {
      mistake("expected a list, found \(node.summary)")
      return nil
    }
    let elements = nodes.enumerated().map { read(Value($1, path: "\(path)[\($0)]", in: reading)) }
    return elements.contains { $0 == nil } ? nil : elements.compactMap(\.self)
  }

  /// The members of a mapping whose keys are names chosen by the writer, in the order of the file.
  func dictionary<T>(longest: Int, _ read: (_ key: String, Value) -> T?) -> [T]? {
    guard case .mapping(let members) = node.content else {
      mistake("expected a mapping, found \(node.summary)")
      return nil
    }
    let elements = members.map { member -> T? in
      let value = Value(member.value, path: join(path, member.key), in: reading, at: member.keyMark)
      guard isName(member.key, longest: longest) else {
        reading.found(
          at: member.keyMark, path: path,
          "expected a name (lower-case letters, digits and inner hyphens, at most \(longest)), found \(quoted(member.key))"
        )
        return nil
      }
      return read(member.key, value)
    }
    return elements.contains { $0 == nil } ? nil : elements.compactMap(\.self)
  }

  /// The members of a mapping with known keys. Keys that `read` did not ask for are mistakes.
  func fields<T>(_ read: (Fields) -> T?) -> T? {
    guard case .mapping(let members) = node.content else {
      mistake("expected a mapping, found \(node.summary)")
      return nil
    }
    let fields = Fields(of: self, members)
    let result = read(fields)
    fields.refuseUnknownKeys()
    return result
  }
}

/// The members of one mapping. It remembers which keys were asked for: the others are unknown.
final class Fields {
  private let owner: Value
  private let members: [Node.Member]
  private var asked: [String] = []

  init(of owner: Value, _ members: [Node.Member]) {
    self.owner = owner
    self.members = members
  }

  /// The value of `key`, which must be there.
  func required<T>(_ key: String, _ read: (Value) -> T?) -> T? {
    guard let value = value(key) else {
      owner.mistake("the key '\(key)' is missing")
      return nil
    }
    return read(value)
  }

  /// The value of `key`, or `fallback` when it is absent. `nil` only after a mistake.
  func optional<T>(_ key: String, or fallback: T, _ read: (Value) -> T?) -> T? {
    guard let value = value(key) else { return fallback }
    return read(value)
  }

  /// The value of `key` as it stands, `nil` when absent; for keys whose meaning depends on others.
  func value(_ key: String) -> Value? {
    if !asked.contains(key) { asked.append(key) }
    guard let member = members.first(where: { $0.key == key }) else { return nil }
    return Value(member.value, path: join(owner.path, key), in: owner.reading)
  }

  /// Lets every other key pass: after a mistake that leaves open which ones belong here. Always `nil`.
  func acceptOthers<T>() -> T? {
    for member in members where !asked.contains(member.key) { asked.append(member.key) }
    return nil
  }

  /// The one of `keys` that the mapping has; it must have exactly one. All of them count as known.
  ///
  /// - Parameters:
  ///   - what: what they say, in words.
  ///   - missing: the key that is said to be missing when there is none; all are named where `nil`.
  func only(_ keys: [String], called what: String, missing: String? = nil) -> String? {
    for key in keys where !asked.contains(key) { asked.append(key) }
    let given = members.map(\.key).filter(keys.contains)
    if given.count == 1 { return given[0] }
    let names = keys.map { "'\($0)'" }
    if given.isEmpty {
      if let missing {
        owner.mistake(
          "the key '\(missing)' is missing", fix: keys.count > 1 ? "one of: \(keys.joined(separator: ", "))" : nil)
      } else {
        owner.mistake("nothing says \(what)", fix: "add one of: \(keys.joined(separator: ", "))")
      }
    } else {
      let said = listed(names.filter { name in given.contains { "'\($0)'" == name } })
      owner.mistake("\(said) say \(what) in more than one way", fix: "keep one of them")
    }
    return nil
  }

  /// Notes a mistake at the mapping.
  func mistake(_ what: String, fix: String? = nil) { owner.mistake(what, fix: fix) }

  /// Whether the mapping has keys that were not asked for until now; each will be a mistake of its own.
  var hasUnknownKeys: Bool { members.contains { !asked.contains($0.key) } }

  /// Whether the mapping has `key`; does not ask for it.
  func has(_ key: String) -> Bool { members.contains { $0.key == key } }

  fileprivate func refuseUnknownKeys() {
    let known = asked.joined(separator: ", ")
    for member in members where !asked.contains(member.key) {
      let near = closest(to: member.key, among: asked).map { "did you mean '\($0)'? " } ?? ""
      owner.reading.found(
        at: member.keyMark, path: owner.path, "unknown key \(quoted(member.key))", fix: "\(near)keys here: \(known)")
    }
  }
}

private func join(_ path: String, _ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

private func isName(_ text: String, longest: Int) -> Bool {
  let letters = Array(text.utf8)
  return (1...longest).contains(letters.count) && letters.first != 45 && letters.last != 45
    && letters.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == 45 }
}
