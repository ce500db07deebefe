internal import Support

/// Takes entries out of the timeline in a scenario's text, and shortens others; every other byte stays as it is.
///
/// - Parameters:
///   - bytes: the text, in UTF-8.
///   - file: how messages call it.
///   - holds: the entries that stay, by their ids, each with how long it lasts.
/// - Throws: ``Support/Problem`` when the text is not written in a way that allows it: the timeline must be a list in this
///   very file, one entry below the other.
public func restrictTimeline(_ bytes: [UInt8], file: String, to holds: [String: Duration]) throws -> [UInt8] {
  var lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
    .map(String.init)
  let root = try parseYaml(bytes, file: file)
  guard case .mapping(let members) = root.content,
    let place = members.firstIndex(where: { $0.key == "timeline" }),
    case .sequence(let entries) = members[place].value.content, !entries.isEmpty
  else {
    throw Problem(.usage, at: file, "has no timeline of its own that could be made smaller")
  }
  let starts = entries.map(\.mark.line)
  let end = place + 1 < members.count ? members[place + 1].keyMark.line : lines.count + 1
  guard starts.first != members[place].keyMark.line, zip(starts, starts.dropFirst()).allSatisfy({ $0 < $1 }) else {
    throw Problem(
      .usage, at: file, "its timeline is not written one entry below the other",
      fix: "begin each entry on a line of its own, with '- '")
  }
  // From the last entry, so that the lines of those before it keep their numbers.
  for index in entries.indices.reversed() {
    guard let id = text(of: "id", in: entries[index])?.text, let hold = holds[id] else {
      var last = (index + 1 < starts.count ? starts[index + 1] : end) - 1
      // A comment above an entry is about that entry.
      while last > starts[index], isRemark(lines[last - 1]) { last -= 1 }
      lines.removeSubrange((starts[index] - 1)..<last)
      continue
    }
    guard let written = text(of: "for", in: entries[index]) else { continue }
    try replace(written, with: hold.text, in: &lines, file: file)
  }
  return Array(lines.joined(separator: "\n").utf8)
}

private func isRemark(_ line: String) -> Bool {
  let text = line.drop { $0 == " " }
  return text.isEmpty || text.hasPrefix("#")
}

private func text(of key: String, in entry: Node) -> (text: String, mark: Mark)? {
  guard case .mapping(let members) = entry.content, let value = members.first(where: { $0.key == key })?.value,
    case .scalar(let text, _) = value.content
  else { return nil }
  return (text, value.mark)
}

private func replace(
  _ old: (text: String, mark: Mark), with new: String, in lines: inout [String], file: String
) throws(Problem) {
  let line = lines[old.mark.line - 1]
  let rest = line.dropFirst(old.mark.column - 1)
  guard rest.hasPrefix(old.text) else {
    throw Problem(
      .usage, at: old.mark.location(in: file).description,
      "the duration '\(old.text)' does not stand here as it is meant",
      fix: "write it plainly, without quotes or alias")
  }
  lines[old.mark.line - 1] = "\(line.dropLast(rest.count))\(new)\(rest.dropFirst(old.text.count))"
}
