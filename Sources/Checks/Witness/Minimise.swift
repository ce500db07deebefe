/// Cuts `elements` down to few that still fail, by delta debugging (Zeller and Hildebrandt, "Simplifying and Isolating
/// Failure-Inducing Input", IEEE TSE 28(2), 2002).
///
/// The result fails, and unless the limit was met no single element can be left out of it. Order is kept.
///
/// - Parameters:
///   - elements: what fails as a whole. If it does not, it comes back as it is.
///   - limit: the most times that `fails` is asked.
///   - fails: whether some of the elements, in their order, still fail.
public func minimise<Element>(
  _ elements: [Element], limit: Int = 2000, while fails: ([Element]) -> Bool
) -> [Element] {
  var asked = 0
  func stillFails(_ candidate: [Element]) -> Bool {
    guard asked < limit else { return false }
    asked += 1
    return fails(candidate)
  }
  guard stillFails(elements) else { return elements }
  if stillFails([]) { return [] }
  var rest = elements
  var parts = 2
  while rest.count >= 2 && asked < limit {
    let bounds = (0...parts).map { $0 * rest.count / parts }
    let chunks = zip(bounds, bounds.dropFirst()).map { $0..<$1 }.filter { !$0.isEmpty }
    if let chunk = chunks.first(where: { stillFails(Array(rest[$0])) }) {
      rest = Array(rest[chunk])
      parts = 2
    } else if chunks.count > 2,
      let chunk = chunks.first(where: { stillFails(Array(rest[..<$0.lowerBound] + rest[$0.upperBound...])) })
    {
      rest.removeSubrange(chunk)
      parts = max(parts - 1, 2)
    } else if parts < rest.count {
      parts = min(parts * 2, rest.count)
    } else {
      break
    }
  }
  return rest
}
