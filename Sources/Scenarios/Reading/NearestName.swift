/// The name among `names` that was probably meant by `text`, or `nil` when none is near: at most one edit for every three
/// letters. Ties go to the earlier name.
func closest(to text: String, among names: [String]) -> String? {
  // Anything longer than this is not a misspelt name, and the table below is quadratic.
  guard text.utf8.count <= 64 else { return nil }
  let limit = max(1, text.count / 3)
  let ranked = names.map { (name: $0, edits: edits(from: text, to: $0)) }.filter { $0.edits <= limit }
  return ranked.min { $0.edits < $1.edits }?.name
}

/// Edits that turn one text into the other: insertions, deletions, replacements, swaps of neighbours (optimal string
/// alignment distance).
func edits(from left: String, to right: String) -> Int {
  let (a, b) = (Array(left.unicodeScalars), Array(right.unicodeScalars))
  var rows = [Array(0...b.count)]
  for i in 1..<(a.count + 1) {
    var row = [i]
    for j in 1..<(b.count + 1) {
      var best = min(rows[i - 1][j] + 1, row[j - 1] + 1, rows[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1))
      if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] { best = min(best, rows[i - 2][j - 2] + 1) }
      row.append(best)
    }
    rows.append(row)
  }
  return rows[a.count][b.count]
}
