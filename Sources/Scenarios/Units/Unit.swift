/// Why a text is not the quantity that was expected there. The texts are part of the language: tests hold them.
struct UnitError: Error, Hashable {
  /// What is wrong, to be read after the place: `expected a duration such as 10s, found '10'`.
  var what: String
  /// What to write instead, if it can be known.
  var fix: String?
}

/// A quantity that a scenario writes with its unit.
protocol Unit {
  /// How messages call it, with an example: `a duration such as 250ms, 10s or 5m`.
  static var form: String { get }
  /// Reads the text as it stands in the file.
  init(written text: String) throws(UnitError)
}

extension Unit {
  /// The general mistake: something else than this quantity.
  static func unexpected(_ text: String, fix: String? = nil) -> UnitError {
    if text.hasPrefix("-"), DecimalText.split(String(text.dropFirst())) != nil {
      return UnitError(what: "expected \(form), found \(quoted(text)): it cannot be negative", fix: nil)
    }
    return UnitError(what: "expected \(form), found \(quoted(text))", fix: fix)
  }
}

/// The unit of time that a person probably meant by a longer or differently written name.
func meantUnit(_ name: String) -> String? {
  switch name.lowercased() {
  case "s", "sec", "secs", "second", "seconds": "s"
  case "m", "min", "mins", "minute", "minutes": "m"
  case "h", "hr", "hrs", "hour", "hours": "h"
  case "ms", "msec", "msecs", "millis", "milliseconds": "ms"
  case "us", "usec", "usecs", "micros", "microseconds", "\u{3BC}s": "us"
  case "ns", "nsec", "nanos", "nanoseconds": "ns"
  default: nil
  }
}
