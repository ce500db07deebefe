public import Support

/// The summary as JSON: `summary.json` of a run, from which every report can be made again.
///
/// - Parameter pretty: over many lines for people; on one line otherwise, for JSON Lines.
/// - Throws: an `EncodingError` when a figure is not a finite number.
public func jsonReport(_ summary: RunSummary, pretty: Bool = false) throws -> String {
  String(decoding: try encodeJSON(summary, pretty: pretty), as: UTF8.self)
}

/// Reads a `summary.json`.
///
/// - Throws: ``Support/Problem`` with exit code 2 when it is none, or of a form that this version does not know.
public func readSummary(_ bytes: [UInt8], file: String) throws(Problem) -> RunSummary {
  let format: Int
  do {
    struct Head: Decodable { var format: Int }
    format = try decodeJSON(Head.self, from: bytes).format
  } catch {
    throw Problem(.usage, at: file, "is no summary of a run", fix: "name a run directory that has one")
  }
  guard format == RunSummary.currentFormat else {
    throw Problem(
      .usage, at: file, "is a summary of form \(format); this version knows form \(RunSummary.currentFormat)",
      fix: "read it with the version that wrote it")
  }
  do {
    return try decodeJSON(RunSummary.self, from: bytes)
  } catch {
    throw Problem(.usage, at: file, "is no whole summary: \(error)")
  }
}
