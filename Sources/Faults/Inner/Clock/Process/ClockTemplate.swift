internal import Glibc
internal import Support

/// The vDSO of this machine's 64-bit processes, read from our own: the kernel gives all of them the same bytes. What a fault
/// changes is computed from it once, so that the way back is known, and promised, before any process is touched.
struct ClockTemplate: Sendable {
  let bytes: [UInt8]
  let patch: VDSOPatch
  let tag: UInt64

  init(tag: UInt64) throws {
    let own = try ProcessIdentity.current()
    let mapping = try VDSOMapping(of: own)
    let bytes = try ProcessMemory(of: own).read(mapping.start, count: mapping.size)
    self.bytes = bytes
    self.tag = tag
    patch = try VDSOPatch(try VDSOImage(bytes), tag: tag)
  }

  var digest: String { sha256(bytes) }

  /// The way back.
  var undo: ClockUndo {
    ClockUndo(
      tag: tag, size: bytes.count, digest: digest, jumps: patch.jumps, stub: patch.stub,
      keepsFastPath: patch.keepsFastPath, keepsFrame: patch.keepsFrame)
  }
}

extension VDSOPatch {
  /// A patch as it was promised to be taken back.
  init(_ undo: ClockUndo) {
    jumps = undo.jumps
    stub = undo.stub
    words = undo.stub.offset
    clockGettime = 0
    comeBack = 0
    gate = 0
    keepsFastPath = undo.keepsFastPath
    keepsFrame = undo.keepsFrame
  }
}
