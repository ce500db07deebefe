/// A duration as Go programs read it: signs, fractions and several units in one text, `-10m100ns`, `1h2m3.5s`, `.5s`, `0`.
struct GoDuration: Hashable {
  /// Nanoseconds, negative where the text was.
  var nanoseconds: Int64
  /// The units in the order in which they stood.
  var units: [String]

  private static let scales: [(name: String, nanoseconds: UInt64)] = [
    ("ns", 1), ("us", 1000), ("µs", 1000), ("μs", 1000), ("ms", 1_000_000), ("s", 1_000_000_000),
    ("m", 60_000_000_000), ("h", 3_600_000_000_000),
  ]

  /// `nil` for what Go's parser refuses, too.
  init?(_ text: String) {
    var rest = Array(text.unicodeScalars)[...]
    let isNegative = rest.first == "-"
    if isNegative || rest.first == "+" { rest.removeFirst() }
    units = []
    nanoseconds = 0
    if rest.count == 1, rest.first == "0" { return }
    guard !rest.isEmpty else { return nil }
    var sum: UInt64 = 0
    while !rest.isEmpty {
      let whole = rest.prefix { isDigit($0) }
      rest = rest.dropFirst(whole.count)
      var fraction = rest[rest.startIndex..<rest.startIndex]
      let hasPoint = rest.first == "."
      if hasPoint {
        rest.removeFirst()
        fraction = rest.prefix { isDigit($0) }
        rest = rest.dropFirst(fraction.count)
      }
      let unit = rest.prefix { !isDigit($0) && $0 != "." }
      rest = rest.dropFirst(unit.count)
      var name = ""
      name.unicodeScalars.append(contentsOf: unit)
      guard !(whole.isEmpty && fraction.isEmpty), let scale = Self.scales.first(where: { $0.name == name }) else {
        return nil
      }
      guard let part = Self.nanoseconds(whole: whole, fraction: fraction, scale: scale.nanoseconds) else { return nil }
      let (total, overflow) = sum.addingReportingOverflow(part)
      guard !overflow, total <= UInt64(Int64.max) else { return nil }
      sum = total
      units.append(name)
    }
    nanoseconds = isNegative ? -Int64(sum) : Int64(sum)
  }

  /// The absolute duration.
  var magnitude: Duration { .nanoseconds(nanoseconds.magnitude > UInt64(Int64.max) ? .max : abs(nanoseconds)) }

  private static func nanoseconds(
    whole: ArraySlice<Unicode.Scalar>, fraction: ArraySlice<Unicode.Scalar>, scale: UInt64
  ) -> UInt64? {
    var value: UInt64 = 0
    for digit in whole {
      let (tenfold, overflow) = value.multipliedReportingOverflow(by: 10)
      let (next, carry) = tenfold.addingReportingOverflow(UInt64(digit.value - 48))
      if overflow || carry { return nil }
      value = next
    }
    let (scaled, overflow) = value.multipliedReportingOverflow(by: scale)
    if overflow { return nil }
    // Eighteen digits are far below a nanosecond of an hour; what stands behind them is cut off, as Go does.
    var parts: UInt64 = 0
    var divisor: UInt64 = 1
    for digit in fraction.prefix(18) {
      parts = parts * 10 + UInt64(digit.value - 48)
      divisor *= 10
    }
    let (quotient, _) = divisor.dividingFullWidth(parts.multipliedFullWidth(by: scale))
    let (total, carry) = scaled.addingReportingOverflow(quotient)
    return carry ? nil : total
  }
}

private func isDigit(_ scalar: Unicode.Scalar) -> Bool { (48...57).contains(scalar.value) }
