internal import Support

extension ImportMap {
  /// What `terms` stand for: the rule that asks for the most of them, and for nothing else.
  ///
  /// A selector that no rule matches, or that two match equally well, is a mistake at `value`.
  func place(of terms: SelectorTerms, at value: Value) -> Place? {
    let rules = selectors.filter { $0.terms.terms.isSubset(of: terms.terms) }
    guard let most = rules.map(\.terms.terms.count).max() else {
      value.mistake(
        "nothing says which region \(terms.text) is in",
        fix: "\(file == nil ? "give a mapping file with --map, and in it" : "add to \(fileName)") a selector that"
          + " matches it: see blackstart import --help")
      return nil
    }
    let best = rules.filter { $0.terms.terms.count == most }
    if let other = best.dropFirst().first(where: { $0.place != best[0].place }) {
      value.mistake(
        "\(terms.text) is matched equally well by the selectors in \(fileName):\(best[0].mark.line) and"
          + " \(fileName):\(other.mark.line), which stand for other places", fix: "make one of them narrower")
      return nil
    }
    let rest = terms.terms.subtracting(best[0].terms.terms)
    if !rest.isEmpty, !best[0].terms.terms.isEmpty {
      value.note(
        "\(rest.sorted().joined(separator: ", ")) narrows it there; the map does not, so it has no effect here")
    }
    return best[0].place
  }

  /// What a host, address or network stands for: the rule that names it, else the narrowest network that holds it.
  func place(ofHost host: String, at value: Value) -> Place? {
    if let rule = hosts.first(where: { $0.host == host }) { return rule.place }
    if let wanted = Network(host) {
      let holders = hosts.compactMap { rule in Network(rule.host).map { ($0, rule) } }.filter { $0.0.contains(wanted) }
      if let narrowest = holders.max(by: { $0.0.length < $1.0.length }) { return narrowest.1.place }
    }
    value.mistake(
      "nothing says which region \(quoted(host)) is in",
      fix: file == nil
        ? "give a mapping file with --map, and in it under hosts: - { host: \(scalarText(host, asWord: false)), regions: [REGION] }"
        : "add to \(fileName) under hosts: - { host: \(scalarText(host, asWord: false)), regions: [REGION] }")
    return nil
  }

  private var fileName: String { file ?? "the mapping file" }
}

/// An IPv4 network or address.
struct Network: Hashable {
  /// The address, its host part cleared.
  var bits: UInt32
  /// How many leading bits count.
  var length: Int

  /// Reads `10.1.0.0/16` or `10.1.2.3`.
  init?(_ text: String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard (1...2).contains(parts.count) else { return nil }
    let bytes = parts[0].split(separator: ".", omittingEmptySubsequences: false).map { part in
      part.utf8.allSatisfy { (48...57).contains($0) } ? UInt8(part) : nil
    }
    guard bytes.count == 4, !bytes.contains(nil) else { return nil }
    let address = bytes.compactMap(\.self).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    length = 32
    if parts.count == 2 {
      guard parts[1].utf8.allSatisfy({ (48...57).contains($0) }), let number = Int(parts[1]), number <= 32 else {
        return nil
      }
      length = number
    }
    bits = length == 0 ? 0 : address & (UInt32.max << UInt32(32 - length))
  }

  /// Whether all of `other` lies in it.
  func contains(_ other: Network) -> Bool {
    guard other.length >= length else { return false }
    return length == 0 || (other.bits ^ bits) >> UInt32(32 - length) == 0
  }
}
