internal import CYaml
internal import Support

/// Reads one YAML document into a ``Node`` tree. The only file that talks to libyaml.
///
/// What is narrower than YAML 1.1, on purpose: one document, no tags, no merge keys, keys are plain texts, a repeated key
/// is an error, aliases may not contain themselves and are counted at full size.
///
/// - Parameter source: which document this is, of those that a scenario is made of.
func parseYaml(
  _ bytes: [UInt8], file: String, source: Int = 0, limits: YamlLimits = YamlLimits()
) throws(Problems) -> Node {
  let parser = YamlEvents(bytes, source: source)
  do {
    return try TreeBuilder(events: parser, limits: limits).document()
  } catch {
    throw Problems([
      Problem(.usage, at: error.mark.location(in: file).description, error.what, fix: error.fix)
    ])
  }
}

/// Reads every document of a stream, as other tools' files have them. No document at all is an error, as above; the limits
/// hold for all documents together.
func parseYamlDocuments(_ bytes: [UInt8], file: String, limits: YamlLimits = YamlLimits()) throws(Problems) -> [Node] {
  let parser = YamlEvents(bytes, source: 0)
  do {
    return try TreeBuilder(events: parser, limits: limits).documents()
  } catch {
    throw Problems([
      Problem(.usage, at: error.mark.location(in: file).description, error.what, fix: error.fix)
    ])
  }
}

/// Why a document cannot be read, and where.
private struct YamlError: Error {
  var mark: Mark
  var what: String
  var fix: String?

  init(_ mark: Mark, _ what: String, fix: String? = nil) {
    self.mark = mark
    self.what = what
    self.fix = fix
  }
}

/// One event of the document, copied out of libyaml's memory.
private enum YamlEvent {
  case documentStart
  case scalar(String, plain: Bool, anchor: String?, tag: String?)
  case sequenceStart(anchor: String?, tag: String?)
  case mappingStart(anchor: String?, tag: String?)
  case end  // of a sequence or mapping
  case alias(String)
  case documentEnd
  case streamEnd
}

/// Owns a `yaml_parser_t`. libyaml keeps pointing at the parser and at the input, so both are on the heap and are freed
/// together, here, after `yaml_parser_delete`.
private final class YamlEvents {
  private let parser: UnsafeMutablePointer<yaml_parser_t>
  private let input: UnsafeMutableBufferPointer<UInt8>
  private let source: Int

  init(_ bytes: [UInt8], source: Int) {
    self.source = source
    parser = .allocate(capacity: 1)
    input = .allocate(capacity: max(1, bytes.count))
    _ = input.initialize(from: bytes)
    let ready = yaml_parser_initialize(parser)
    precondition(ready == 1, "yaml_parser_initialize: out of memory")
    yaml_parser_set_input_string(parser, input.baseAddress, bytes.count)
  }

  deinit {
    yaml_parser_delete(parser)
    parser.deallocate()
    input.deallocate()
  }

  func next() throws(YamlError) -> (event: YamlEvent, mark: Mark) {
    var raw = yaml_event_t()
    repeat {
      guard yaml_parser_parse(parser, &raw) == 1 else { throw error() }
    } while raw.type == YAML_STREAM_START_EVENT || raw.type == YAML_NO_EVENT
    defer { yaml_event_delete(&raw) }
    return (Self.copy(raw), Mark(raw.start_mark, source))
  }

  private static func copy(_ raw: yaml_event_t) -> YamlEvent {
    switch raw.type {
    case YAML_DOCUMENT_START_EVENT: return .documentStart
    case YAML_DOCUMENT_END_EVENT: return .documentEnd
    case YAML_STREAM_END_EVENT: return .streamEnd
    case YAML_ALIAS_EVENT: return .alias(text(raw.data.alias.anchor) ?? "")
    case YAML_SEQUENCE_START_EVENT:
      let start = raw.data.sequence_start
      return .sequenceStart(anchor: text(start.anchor), tag: text(start.tag))
    case YAML_MAPPING_START_EVENT:
      let start = raw.data.mapping_start
      return .mappingStart(anchor: text(start.anchor), tag: text(start.tag))
    case YAML_SCALAR_EVENT:
      let scalar = raw.data.scalar
      let value = UnsafeBufferPointer(start: scalar.value, count: scalar.length)
      return .scalar(
        String(decoding: value, as: UTF8.self), plain: scalar.style == YAML_PLAIN_SCALAR_STYLE,
        anchor: text(scalar.anchor), tag: text(scalar.tag))
    default: return .end
    }
  }

  private static func text(_ pointer: UnsafeMutablePointer<yaml_char_t>?) -> String? {
    pointer.map { String(cString: $0) }
  }

  /// libyaml's own words, put into ours where a person would not understand them.
  private func error() -> YamlError {
    let raw = parser.pointee
    let problem = raw.problem.map { String(cString: $0) } ?? "not readable as YAML"
    let context = raw.context.map { String(cString: $0) }
    if raw.error == YAML_READER_ERROR {
      return YamlError(
        mark(atByte: raw.problem_offset), "not a text in UTF-8: \(problem) (byte \(raw.problem_offset))",
        fix: "save the file as UTF-8 text")
    }
    let mark = Mark(raw.problem_mark, source)
    if problem.contains("cannot start any token"), character(at: mark) == "\t" {
      return YamlError(mark, "broken YAML: a tab in the indentation", fix: "indent with spaces")
    }
    if problem.contains("cannot start any token") {
      return YamlError(
        mark, "broken YAML: a value cannot begin with this character", fix: "put the text into quotes")
    }
    let begin = Mark(raw.context_mark, source)
    let place = begin.line < mark.line ? " that begins at line \(begin.line), column \(begin.column)" : ""
    return YamlError(mark, "broken YAML: \(context.map { "\($0)\(place): " } ?? "")\(problem)")
  }

  /// libyaml counts bytes, from 0, where it could not decode the text.
  private func mark(atByte offset: Int) -> Mark {
    let before = input.prefix(offset)
    let line = before.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).last ?? []
    return Mark(
      line: 1 + before.count { $0 == UInt8(ascii: "\n") }, column: String(decoding: line, as: UTF8.self).count + 1)
  }

  private func character(at mark: Mark) -> Character? {
    let lines = input.split(separator: UInt8(ascii: "\n"), maxSplits: mark.line, omittingEmptySubsequences: false)
    guard mark.line <= lines.count else { return nil }
    return String(decoding: lines[mark.line - 1], as: UTF8.self).dropFirst(mark.column - 1).first
  }
}

extension Mark {
  fileprivate init(_ mark: yaml_mark_t, _ source: Int) {
    self.init(line: mark.line + 1, column: mark.column + 1, source: source)
  }
}

/// Turns events into a tree, within the limits.
private final class TreeBuilder {
  private struct Anchored {
    var node: Node
    var size: Int
  }

  private let events: YamlEvents
  private let limits: YamlLimits
  private var anchors: [String: Anchored] = [:]
  private var open: Set<String> = []
  private var count = 0

  init(events: YamlEvents, limits: YamlLimits) {
    self.events = events
    self.limits = limits
  }

  func document() throws(YamlError) -> Node {
    let first = try events.next()
    guard case .documentStart = first.event else { throw YamlError(first.mark, "the file holds no document") }
    let opening = try events.next()
    let root = try node(from: opening.event, at: opening.mark, depth: 0)
    _ = try events.next()  // document end
    let after = try events.next()
    guard case .streamEnd = after.event else {
      throw YamlError(after.mark, "a second document", fix: "one scenario a file: put it into its own file")
    }
    return root
  }

  func documents() throws(YamlError) -> [Node] {
    var documents: [Node] = []
    while true {
      let first = try events.next()
      guard case .documentStart = first.event else {
        if documents.isEmpty { throw YamlError(first.mark, "the file holds no document") }
        return documents
      }
      anchors = [:]
      let opening = try events.next()
      documents.append(try node(from: opening.event, at: opening.mark, depth: 0))
      _ = try events.next()  // document end
    }
  }

  private func node(from event: YamlEvent, at mark: Mark, depth: Int) throws(YamlError) -> Node {
    let before = count
    try add(1, at: mark)
    switch event {
    case .scalar(let text, let plain, let anchor, let tag):
      try refuse(tag: tag, at: mark)
      return remember(Node(content: .scalar(text, plain: plain), mark: mark), as: anchor, size: 1)
    case .sequenceStart(let anchor, let tag):
      try enter(depth, anchor, tag, at: mark)
      let elements = try sequence(depth: depth + 1)
      return remember(Node(content: .sequence(elements), mark: mark), as: anchor, size: count - before)
    case .mappingStart(let anchor, let tag):
      try enter(depth, anchor, tag, at: mark)
      let members = try mapping(depth: depth + 1)
      return remember(Node(content: .mapping(members), mark: mark), as: anchor, size: count - before)
    case .alias(let name):
      guard let known = anchors[name], !open.contains(name) else {
        let why = open.contains(name) ? "contains itself" : "has no anchor '&\(name)' before it"
        throw YamlError(mark, "the alias '*\(name)' \(why)")
      }
      try add(known.size - 1, at: mark)
      return known.node
    case .documentStart, .documentEnd, .streamEnd, .end:
      throw YamlError(mark, "broken YAML: a value was expected")
    }
  }

  private func sequence(depth: Int) throws(YamlError) -> [Node] {
    var elements: [Node] = []
    while true {
      let (event, mark) = try events.next()
      if case .end = event { return elements }
      elements.append(try node(from: event, at: mark, depth: depth))
    }
  }

  private func mapping(depth: Int) throws(YamlError) -> [Node.Member] {
    var members: [Node.Member] = []
    var seen: [String: Mark] = [:]
    while true {
      let (event, mark) = try events.next()
      if case .end = event { return members }
      guard case .scalar(let key, _) = try node(from: event, at: mark, depth: depth).content else {
        throw YamlError(mark, "a key must be a plain word, not a list or a mapping")
      }
      if let earlier = seen.updateValue(mark, forKey: key) {
        throw YamlError(
          mark, "the key \(quoted(key)) stands twice in one mapping; it stood in line \(earlier.line) already",
          fix: "keep one of the two")
      }
      let value = try events.next()
      members.append(
        Node.Member(key: key, keyMark: mark, value: try node(from: value.event, at: value.mark, depth: depth)))
    }
  }

  private func enter(_ depth: Int, _ anchor: String?, _ tag: String?, at mark: Mark) throws(YamlError) {
    guard depth < limits.depth else {
      throw YamlError(mark, "nested deeper than \(limits.depth) levels", fix: "no scenario needs that depth")
    }
    try refuse(tag: tag, at: mark)
    if let anchor { open.insert(anchor) }
  }

  private func refuse(tag: String?, at mark: Mark) throws(YamlError) {
    guard let tag else { return }
    throw YamlError(mark, "the tag \(quoted(tag)) has no meaning in a scenario", fix: "leave the tag out")
  }

  private func remember(_ node: Node, as anchor: String?, size: Int) -> Node {
    if let anchor {
      anchors[anchor] = Anchored(node: node, size: size)
      open.remove(anchor)
    }
    return node
  }

  private func add(_ nodes: Int, at mark: Mark) throws(YamlError) {
    count += nodes
    guard count <= limits.nodes else {
      throw YamlError(
        mark, "more than \(limits.nodes) values, aliases counted in full",
        fix: "split the scenario, or use fewer aliases")
    }
  }
}
