/// The duration that `text` writes as a scenario does, such as `250ms` or `5m`; `nil` for anything else.
public func parseDuration(_ text: String) -> Duration? {
  do throws(UnitError) { return try Duration(written: text) } catch { return nil }
}
