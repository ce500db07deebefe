internal import CKernel

/// Removes a System V shared memory segment that its owner left behind.
///
/// A PostgreSQL server that is killed leaves one; its data directory says which (line 7 of `postmaster.pid`).
///
/// - Parameters:
///   - id: the segment.
///   - key: the key it must have, for ids are reused.
///   - creator: the numeric user that must have made it.
/// - Returns: whether it was removed; `false` if there is none like that or somebody is attached to it.
/// - Throws: ``SystemError`` when the kernel refuses.
@discardableResult
public func removeSharedMemory(id: Int32, key: Int64, creator: UInt32) throws(SystemError) -> Bool {
  let result = bs_remove_shared_memory(id, key, creator)
  if result < 0 { throw SystemError("shmctl", "segment \(id)") }
  return result == 1
}
