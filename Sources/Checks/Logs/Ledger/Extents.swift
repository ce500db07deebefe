/// One array that many owners hold pieces of, each a power of two long. A piece that grows moves; what it leaves is used again.
///
/// One array and not one an owner, because the hot path then makes one look-up where nested arrays make two.
struct Extents<Element: Sendable>: Sendable {
  var storage: [Element] = []
  private let blank: Element
  private var free: [[Int]] = Array(repeating: [], count: 48)

  init(blank: Element) { self.blank = blank }

  /// A blank piece of `1 << order` elements.
  mutating func take(order: Int) -> Int {
    if let place = free[order].popLast() { return place }
    let place = storage.count
    storage.append(contentsOf: repeatElement(blank, count: 1 << order))
    return place
  }

  /// Gives a piece back.
  mutating func give(_ place: Int, order: Int) {
    for index in place..<place + 1 << order { storage[index] = blank }
    free[order].append(place)
  }
}
