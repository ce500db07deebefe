/// Which requests a broker answers, and in which versions: what every client asks first, before it says who it is.
///
/// Version 0 of the request (Kafka 0.10 and newer, also 4), so that a broker of any age answers it.
public enum ApiVersions {
  /// The versions of one request that a broker answers.
  public typealias Range = ClosedRange<Int16>

  /// The number of the request.
  public static let apiKey: Int16 = 18

  /// The request, its length in front.
  public static func request(correlationID: Int32, clientID: String) -> [UInt8] {
    framed(RequestHeader(apiKey: apiKey, apiVersion: 0, correlationID: correlationID, clientID: clientID)) { _ in }
  }

  /// Reads the response, without its length: the versions by the requests' numbers.
  ///
  /// - Throws: ``WireError`` for a response that is not whole, is none to this request, or says that it refuses it.
  public static func response(_ bytes: [UInt8], correlationID: Int32) throws(WireError) -> [Int16: Range] {
    var reader = try answer(bytes, to: correlationID)
    let begun = reader.offset
    let error = try reader.integer(Int16.self)
    guard error == 0 else {
      throw WireError(.invalid("the broker refuses to tell its versions: error \(error)"), at: begun)
    }
    var found: [Int16: Range] = [:]
    for _ in 0..<(try arrayCount(&reader)) {
      let key = try reader.integer(Int16.self)
      let (low, high) = (try reader.integer(Int16.self), try reader.integer(Int16.self))
      // A request that is listed without a version is one that it does not answer.
      if low <= high { found[key] = low...high }
    }
    return found
  }
}

/// A request with its header, and its length in front. Headers of this form belong to versions without tagged fields.
func framed(_ header: RequestHeader, _ body: (inout WireWriter) -> Void) -> [UInt8] {
  var frame = WireWriter()
  frame.integer(header.apiKey)
  frame.integer(header.apiVersion)
  frame.integer(header.correlationID)
  frame.string(header.clientID)
  body(&frame)
  var whole = WireWriter()
  whole.integer(Int32(frame.bytes.count))
  whole.raw(frame.bytes)
  return whole.bytes
}

/// A reader behind the header of a response, which must be that to request `correlationID`.
func answer(_ bytes: [UInt8], to correlationID: Int32) throws(WireError) -> WireReader {
  var reader = WireReader(bytes)
  let answered = try reader.integer(Int32.self)
  guard answered == correlationID else {
    throw WireError(.invalid("an answer to request \(answered), not \(correlationID)"), at: 0)
  }
  return reader
}

/// ARRAY: an INT32 of length; -1 is null and counts as empty.
func arrayCount(_ reader: inout WireReader) throws(WireError) -> Int {
  let begun = reader.offset
  let count = Int(try reader.integer(Int32.self))
  if count == -1 { return 0 }
  guard count >= 0 else { throw WireError(.negativeLength(count), at: begun) }
  // Each element takes a byte at least: a longer array is none, and must not be walked through.
  guard count <= reader.remaining else { throw WireError(.truncated(wanted: count, left: reader.remaining), at: begun) }
  return count
}
