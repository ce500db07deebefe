/// Reads `page` as a tree of elements. Returns what is wrong with it, `nil` when every element is closed in order, every
/// attribute is quoted, and no bare `<` or `&` stands in the text. Enough to trust HTML and XML that this program wrote;
/// it is no general parser.
func isWellFormed(_ page: String) -> String? {
  var open: [Substring] = []
  var rest = page[...]
  while let start = rest.firstIndex(of: "<") {
    if let wrong = badEntity(rest[..<start]) { return wrong }
    guard let end = tagEnd(rest[start...]) else { return "a tag that does not end: \(rest[start...].prefix(40))" }
    let tag = rest[rest.index(after: start)..<end]
    rest = rest[rest.index(after: end)...]
    if tag.hasPrefix("!") || tag.hasPrefix("?") { continue }
    let name = tag.drop { $0 == "/" }.prefix { $0 != " " && $0 != "/" }
    guard name.first?.isLetter == true else { return "no name: <\(tag.prefix(40))>" }
    if tag.hasPrefix("/") {
      guard open.popLast() == name else { return "</\(name)> closes nothing" }
    } else if !tag.hasSuffix("/") {
      if name == "style" {
        guard let close = rest.firstRange(of: "</style>") else { return "style does not end" }
        rest = rest[close.upperBound...]
      } else {
        open.append(name)
      }
    }
  }
  if let wrong = badEntity(rest) { return wrong }
  return open.isEmpty ? nil : "not closed: \(open)"
}

/// The end of the tag that begins here; `>` inside of quotes does not end it.
private func tagEnd(_ text: Substring) -> Substring.Index? {
  var quote = false
  for index in text.indices {
    if text[index] == "\"" { quote.toggle() }
    if text[index] == ">", !quote { return index }
  }
  return nil
}

private func badEntity(_ text: Substring) -> String? {
  for part in text.split(separator: "&", omittingEmptySubsequences: false).dropFirst() {
    let name = part.prefix { $0 != ";" }
    guard ["amp", "lt", "gt", "quot", "#39", "#10"].contains(name) else { return "a bare & before \(part.prefix(20))" }
  }
  return nil
}
