internal import Glibc

/// A directory of this test's own, removed when `body` has ended; `BLACKSTART_KEEP=1` keeps it.
public func withTemporaryDirectory<T>(
  _ name: String = "test", isolation: isolated (any Actor)? = #isolation,
  remove: (String) throws -> Void, _ body: (String) async throws -> T
) async throws -> T {
  var template = Array("/tmp/blackstart-\(name)-\(getpid())-XXXXXX".utf8CString)
  guard mkdtemp(&template) != nil else { throw CannotMakeDirectory(number: errno) }
  let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  let outcome: Result<T, any Error>
  do { outcome = .success(try await body(path)) } catch { outcome = .failure(error) }
  if getenv("BLACKSTART_KEEP") == nil { try remove(path) }
  return try outcome.get()
}

/// `mkdtemp` failed.
public struct CannotMakeDirectory: Error {
  /// Its errno.
  public var number: Int32
}
