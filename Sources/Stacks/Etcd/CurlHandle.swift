internal import CCurl
internal import Glibc
internal import Support

/// One libcurl easy handle, which keeps its connections between requests. The only place that touches libcurl; it
/// belongs to one thread.
final class CurlHandle {
  /// How a request ended.
  enum Reply {
    case body([UInt8], status: Int)
    /// The deadline passed; `sent` says whether the request had left.
    case timedOut(sent: Bool)
    /// It broke, with curl's reason.
    case failed(String, sent: Bool)
  }

  /// What curl's callback appends to.
  private final class Sink {
    var bytes: [UInt8] = []
    /// How many bytes came, kept or not.
    var came = 0
    /// How many are kept of more than that; `nil`: more than ``mostBytes`` are an error.
    var kept: Int?
  }

  /// Our answers are a few hundred bytes; a server that sends more than this is not etcd.
  private static let mostBytes = 16 << 20

  private let handle: UnsafeMutableRawPointer
  private let headers: UnsafeMutablePointer<curl_slist>?
  private let sink = Sink()

  /// Makes the handle; it connects on its first request.
  ///
  /// - Throws: ``SystemError`` when memory is short.
  init() throws(SystemError) {
    guard let handle = curl_easy_init() else { throw SystemError("curl_easy_init", number: ENOMEM) }
    self.handle = handle
    // `Expect:` off: the gateway answers 100-continue only after a second for larger bodies.
    headers = curl_slist_append(curl_slist_append(nil, "Content-Type: application/json"), "Expect:")
    _ = bs_curl_set_long(handle, CURLOPT_NOSIGNAL, 1)
    _ = bs_curl_set_long(handle, CURLOPT_TCP_NODELAY, 1)
    _ = bs_curl_set_string(handle, CURLOPT_PROXY, "")
    _ = bs_curl_set_pointer(handle, CURLOPT_HTTPHEADER, headers)
    _ = bs_curl_set_write(handle, appendToSink)
    _ = bs_curl_set_pointer(handle, CURLOPT_WRITEDATA, Unmanaged.passUnretained(sink).toOpaque())
  }

  deinit {
    curl_easy_cleanup(handle)
    curl_slist_free_all(headers)
  }

  /// How many bytes the last body had, kept or not.
  var bodyBytes: Int { sink.came }

  /// Sends any request and waits for the whole answer, of which it keeps no more than `kept` bytes and ends when its task is
  /// cancelled. For one request of a handle's life. Blocks its thread, for `limit` at most.
  func send(_ request: HTTPRequest, within limit: Duration, keeping kept: Int) -> HTTPOutcome {
    sink.kept = kept
    _ = bs_curl_set_progress(handle, endWhenCancelled)
    _ = bs_curl_set_long(handle, CURLOPT_NOPROGRESS, 0)
    // Else the end of a request waits for the resolver's thread, which nothing ends.
    _ = bs_curl_set_long(handle, CURLOPT_QUICK_EXIT, 1)
    return send(request, within: limit)
  }

  /// Sends any request and waits for the whole answer. Blocks its thread, for `limit` at most.
  func send(_ request: HTTPRequest, within limit: Duration) -> HTTPOutcome {
    sink.bytes.removeAll(keepingCapacity: true)
    sink.came = 0
    let milliseconds = Int(max(1, limit.milliseconds))
    // `Expect:` off, as above. The list must live as long as the call.
    var fields = curl_slist_append(nil, "Expect:")
    for field in request.headers { fields = curl_slist_append(fields, "\(field.name): \(field.value)") }
    defer {
      _ = bs_curl_set_pointer(handle, CURLOPT_HTTPHEADER, headers)
      curl_slist_free_all(fields)
    }
    _ = bs_curl_set_pointer(handle, CURLOPT_HTTPHEADER, fields)
    _ = bs_curl_set_string(handle, CURLOPT_URL, request.url)
    _ = bs_curl_set_string(handle, CURLOPT_PROTOCOLS_STR, "http,https")
    if let file = request.authorities { _ = bs_curl_set_string(handle, CURLOPT_CAINFO, file) }
    _ = bs_curl_set_long(handle, CURLOPT_TIMEOUT_MS, milliseconds)
    _ = bs_curl_set_long(handle, CURLOPT_CONNECTTIMEOUT_MS, milliseconds)
    let body = request.body ?? []
    let code = body.withUnsafeBytes { bytes in
      if request.body != nil {
        _ = bs_curl_set_long(handle, CURLOPT_POSTFIELDSIZE, bytes.count)
        // Not copied by curl: the bytes live to the end of the call.
        _ = bs_curl_set_pointer(handle, CURLOPT_POSTFIELDS, bytes.baseAddress ?? UnsafeRawPointer(sinkAddress))
      }
      _ = bs_curl_set_long(handle, CURLOPT_NOBODY, request.method == "HEAD" ? 1 : 0)
      _ = bs_curl_set_string(handle, CURLOPT_CUSTOMREQUEST, request.method)
      return curl_easy_perform(handle)
    }
    guard code == CURLE_OK else { return .failed(String(cString: curl_easy_strerror(code))) }
    var status = 0
    _ = bs_curl_get_long(handle, CURLINFO_RESPONSE_CODE, &status)
    return .answered(status: status, body: sink.bytes)
  }

  /// Any address that is not NULL, for a body without bytes.
  private var sinkAddress: UnsafeMutableRawPointer { Unmanaged.passUnretained(sink).toOpaque() }

  /// Posts `body` and waits for the whole answer. Blocks its thread, for `limit` at most.
  func post(_ url: String, _ body: [UInt8], within limit: Duration) -> Reply {
    sink.bytes.removeAll(keepingCapacity: true)
    // 0 would mean no limit.
    let milliseconds = Int(max(1, limit.milliseconds))
    _ = bs_curl_set_string(handle, CURLOPT_URL, url)
    _ = bs_curl_set_long(handle, CURLOPT_TIMEOUT_MS, milliseconds)
    _ = bs_curl_set_long(handle, CURLOPT_CONNECTTIMEOUT_MS, milliseconds)
    _ = bs_curl_set_long(handle, CURLOPT_POSTFIELDSIZE, body.count)
    let code = body.withUnsafeBytes { bytes in
      // Not copied by curl: the bytes live to the end of the call.
      _ = bs_curl_set_pointer(handle, CURLOPT_POSTFIELDS, bytes.baseAddress)
      return curl_easy_perform(handle)
    }
    if code == CURLE_OK {
      var status = 0
      _ = bs_curl_get_long(handle, CURLINFO_RESPONSE_CODE, &status)
      return .body(sink.bytes, status: status)
    }
    var requestBytes = 0
    _ = bs_curl_get_long(handle, CURLINFO_REQUEST_SIZE, &requestBytes)
    if code == CURLE_OPERATION_TIMEDOUT { return .timedOut(sent: requestBytes > 0) }
    return .failed(String(cString: curl_easy_strerror(code)), sent: requestBytes > 0)
  }

  fileprivate static func append(
    _ bytes: UnsafeMutablePointer<CChar>?, _ count: Int, _ context: UnsafeMutableRawPointer?
  )
    -> Int
  {
    guard let context else { return 0 }
    let sink = Unmanaged<Sink>.fromOpaque(context).takeUnretainedValue()
    sink.came += count
    guard sink.bytes.count + count > sink.kept ?? mostBytes else {
      sink.bytes.append(contentsOf: UnsafeRawBufferPointer(start: bytes, count: count))
      return count
    }
    guard let kept = sink.kept else { return 0 }
    sink.bytes.append(contentsOf: UnsafeRawBufferPointer(start: bytes, count: max(0, kept - sink.bytes.count)))
    return count
  }
}

/// Called by libcurl within `curl_easy_perform`, on the handle's thread; its context is the handle's sink.
private func appendToSink(
  _ bytes: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int, _ context: UnsafeMutableRawPointer?
) -> Int {
  CurlHandle.append(bytes, size * count, context)
}

/// Called by libcurl within `curl_easy_perform`, about once a second where nothing comes; the task is the one that sends.
private func endWhenCancelled(
  _ context: UnsafeMutableRawPointer?, _ toCome: curl_off_t, _ came: curl_off_t, _ toGo: curl_off_t, _ gone: curl_off_t
) -> Int32 {
  Task.isCancelled ? 1 : 0
}

extension HTTPOutcome {
  /// What ``failed(_:)`` says where no connection came about, so that nothing was sent.
  static let notConnected = String(cString: curl_easy_strerror(CURLE_COULDNT_CONNECT))
}
