import Support

/// Makes broken files of good ones: bytes changed, lines moved, pieces of other files put in, words of the format misplaced.
struct Mutator {
  private var random: SeededRandom
  private let seeds: [[UInt8]]
  private let words: [[UInt8]]

  /// - Parameter words: what stands in files of this kind, to be put where it does not belong.
  init(seed: UInt64, seeds: [[UInt8]], words: [String]) {
    random = SeededRandom(seed: seed)
    self.seeds = seeds
    self.words = words.map { Array($0.utf8) }
  }

  /// The next file.
  mutating func next() -> [UInt8] {
    var bytes = seeds.randomElement(using: &random) ?? []
    // Mostly a little wrong, so that the readers behind the parser are reached; now and then very wrong.
    let changes =
      Int.random(in: 0...9, using: &random) == 0
      ? Int.random(in: 8...40, using: &random) : Int.random(in: 1...4, using: &random)
    for _ in 0..<changes { change(&bytes) }
    return bytes
  }

  private mutating func change(_ bytes: inout [UInt8]) {
    guard !bytes.isEmpty else {
      bytes = words.randomElement(using: &random) ?? []
      return
    }
    let place = Int.random(in: 0..<bytes.count, using: &random)
    switch Int.random(in: 0...9, using: &random) {
    case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
    case 1: bytes[place] = UInt8.random(in: 32...126, using: &random)
    case 2: bytes.remove(at: place)
    case 3: bytes.insert(UInt8.random(in: 32...126, using: &random), at: place)
    case 4: bytes.removeSubrange(line(around: place, in: bytes))
    case 5:
      let other = seeds.randomElement(using: &random) ?? []
      guard !other.isEmpty else { return }
      let taken = other[line(around: Int.random(in: 0..<other.count, using: &random), in: other)]
      bytes.insert(contentsOf: taken, at: line(around: place, in: bytes).lowerBound)
    case 6:
      let range = line(around: place, in: bytes)
      bytes.insert(contentsOf: bytes[range], at: range.lowerBound)
    case 7: bytes.removeSubrange(place...)
    default: replaceWord(around: place, in: &bytes)
    }
  }

  private mutating func replaceWord(around place: Int, in bytes: inout [UInt8]) {
    func isWord(_ byte: UInt8) -> Bool {
      byte > 45 && byte < 128 && ![58, 91, 93, 123, 125].contains(byte) || byte == 45
    }
    var first = place
    while first > 0, isWord(bytes[first - 1]) { first -= 1 }
    var end = place
    while end < bytes.count, isWord(bytes[end]) { end += 1 }
    bytes.replaceSubrange(first..<end, with: words.randomElement(using: &random) ?? [])
  }

  private func line(around place: Int, in bytes: [UInt8]) -> Range<Int> {
    var first = place
    while first > 0, bytes[first - 1] != 10 { first -= 1 }
    var end = place
    while end < bytes.count, bytes[end] != 10 { end += 1 }
    return first..<min(bytes.count, end + 1)
  }
}
