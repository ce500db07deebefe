internal import Glibc
internal import Support

/// Removes the System V shared memory segment that a killed or crashed PostgreSQL server left behind.
///
/// Line 7 of `postmaster.pid` in its data directory has key and id; call it before the directory is removed.
///
/// - Returns: what was removed, in words; `nil` if there was nothing, or somebody is still attached.
/// - Throws: ``SystemError`` when the file cannot be read or the kernel refuses.
@discardableResult
public func removeSharedMemory(ofServerAt dataDirectory: String) throws -> String? {
  var information = stat()
  let file = "\(dataDirectory)/postmaster.pid"
  guard stat(dataDirectory, &information) == 0, fileExists(file) else { return nil }
  let lines = String(decoding: try readFile(file, limit: 4096), as: UTF8.self)
    .split(separator: "\n", omittingEmptySubsequences: false)
  guard lines.count >= 7 else { return nil }  // it ended before it had any
  let words = lines[6].split(separator: " ")
  guard words.count == 2, let key = Int64(words[0]), let id = Int32(words[1]) else { return nil }
  let removed = try Support.removeSharedMemory(id: id, key: key, creator: information.st_uid)
  return removed ? "shared memory segment \(id)" : nil
}
