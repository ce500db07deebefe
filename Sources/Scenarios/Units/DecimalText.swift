/// A non-negative decimal number as it was written, exact: `digits` without the point, and how many stood behind it.
struct DecimalText {
  private var digits: UInt64
  private var decimals: Int

  /// Splits `250ms` into its number and its unit; `nil` when it does not begin with a number that fits 64 bits.
  static func split(_ text: String) -> (number: DecimalText, unit: String)? {
    let head = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
    guard let number = DecimalText(head) else { return nil }
    return (number, String(text[head.endIndex...]))
  }

  /// Reads `12` or `12.5`; not `.5`, `5.` or `1e3`.
  init?(_ text: some StringProtocol) {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard (1...2).contains(parts.count), parts.allSatisfy({ !$0.isEmpty && $0.allSatisfy(\.isWholeNumber) }) else {
      return nil
    }
    guard let digits = UInt64(parts.joined()) else { return nil }
    self.digits = digits
    decimals = parts.count == 2 ? parts[1].count : 0
  }

  /// The number times `scale` when that is whole and fits, else `nil`.
  func times(_ scale: Int64) -> Int64? {
    var divisor: UInt64 = 1
    for _ in 0..<decimals {
      let (product, overflow) = divisor.multipliedReportingOverflow(by: 10)
      if overflow { return nil }
      divisor = product
    }
    let (high, low) = digits.multipliedFullWidth(by: UInt64(scale))
    guard high < divisor else { return nil }
    let (quotient, remainder) = divisor.dividingFullWidth((high, low))
    return remainder == 0 ? Int64(exactly: quotient) : nil
  }
}
