internal import Drill
internal import Scenarios
internal import Support

/// TMP
final class LiveView: Sendable {
  let console: Console
  init(console: Console, isJSON: Bool, plan: Plan) { self.console = console }
  func take(_ record: JournalRecord) {
    guard record.type != "sample" else { return }
    let data = (try? encodeJSON(record.data)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    console.note("\(record.wall) \(record.type) \(data.prefix(600))\n")
  }
  func finish() {}
}
