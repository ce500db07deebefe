/// The known key of a configuration with the smallest edit distance to `key`, if that is small.
func nearestKey(to key: String, in known: Set<String>) -> String? {
  let best = known.map { ($0, editDistance(Array(key.utf8), Array($0.utf8))) }.min { ($0.1, $0.0) < ($1.1, $1.0) }
  return best.flatMap { $0.1 <= 3 ? $0.0 : nil }
}

private func editDistance(_ one: [UInt8], _ other: [UInt8]) -> Int {
  var row = Array(0...other.count)
  for (i, a) in one.enumerated() {
    var previous = row[0]
    row[0] = i + 1
    for (j, b) in other.enumerated() {
      let substituted = previous + (a == b ? 0 : 1)
      previous = row[j + 1]
      row[j + 1] = min(substituted, row[j] + 1, row[j + 1] + 1)
    }
  }
  return row[other.count]
}
