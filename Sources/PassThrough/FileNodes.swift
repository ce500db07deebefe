internal import CFuse
internal import Glibc
internal import Support
internal import Synchronization

/// The files that the kernel knows by a number, each held by a descriptor that grants no access (`O_PATH`), so that its
/// inode cannot be given to another file meanwhile. Two names of one file have one number, as hard links must.
final class FileNodes: Sendable {
  private struct Node: Sendable {
    var descriptor: Int32
    var key: Key
    var lookups: UInt64
  }

  private struct Key: Sendable, Hashable {
    var device: UInt64
    var inode: UInt64
  }

  private struct State: Sendable {
    var nodes: [UInt64: Node] = [:]
    var numbers: [Key: UInt64] = [:]
    var last = FileNodes.root
  }

  /// The number of the directory itself (FUSE_ROOT_ID).
  static let root: UInt64 = 1

  private let state: Mutex<State>
  private let rootPath: String

  /// Takes over an open directory.
  init(root descriptor: Int32) throws(SystemError) {
    var information = stat()
    guard fstat(descriptor, &information) == 0 else { throw SystemError("fstat") }
    guard let path = Self.path(of: descriptor) else { throw SystemError("readlink", "/proc/self/fd/\(descriptor)") }
    rootPath = path
    let key = Key(device: UInt64(information.st_dev), inode: UInt64(information.st_ino))
    var state = State()
    // The kernel never forgets it.
    state.nodes[Self.root] = Node(descriptor: descriptor, key: key, lookups: 1)
    state.numbers[key] = Self.root
    self.state = Mutex(state)
  }

  /// The descriptor behind a number; -1, which every call refuses, for one that the kernel cannot have.
  func descriptor(_ number: UInt64) -> Int32 {
    state.withLock { $0.nodes[number]?.descriptor ?? -1 }
  }

  /// Counts one more lookup of a file, whose descriptor is taken over.
  ///
  /// - Returns: its number.
  func found(_ descriptor: Int32, _ information: stat) -> UInt64 {
    let key = Key(device: UInt64(information.st_dev), inode: UInt64(information.st_ino))
    let (number, isKnown) = state.withLock { state -> (UInt64, Bool) in
      if let number = state.numbers[key] {
        state.nodes[number]?.lookups += 1
        return (number, true)
      }
      state.last += 1
      state.nodes[state.last] = Node(descriptor: descriptor, key: key, lookups: 1)
      state.numbers[key] = state.last
      return (state.last, false)
    }
    if isKnown { close(descriptor) }
    return number
  }

  /// The kernel gives back so many lookups.
  func forget(_ number: UInt64, _ count: UInt64) {
    let unused: Int32? = state.withLock { state in
      guard number != Self.root, let node = state.nodes[number] else { return nil }
      if node.lookups > count {
        state.nodes[number]?.lookups -= count
        return nil
      }
      state.nodes[number] = nil
      state.numbers[node.key] = nil
      return node.descriptor
    }
    if let unused { close(unused) }
  }

  /// All numbers that are known.
  var numbers: [UInt64] { state.withLock { Array($0.nodes.keys) } }

  /// The path below the root of what a descriptor stands for now: also after renames, also when it is deleted.
  func path(ofDescriptor descriptor: Int32) -> String {
    guard var path = Self.path(of: descriptor), path.hasPrefix(rootPath) else { return "" }
    if path.hasSuffix(" (deleted)") { path.removeLast(" (deleted)".count) }
    return String(path.dropFirst(rootPath.count).drop { $0 == "/" })
  }

  /// The path below the root of a file.
  func path(_ number: UInt64) -> String { path(ofDescriptor: descriptor(number)) }

  /// The path below the root of a name in a directory.
  func path(_ directory: UInt64, _ name: String) -> String {
    let above = path(directory)
    return above.isEmpty ? name : "\(above)/\(name)"
  }

  private static func path(of descriptor: Int32) -> String? {
    var buffer = [CChar](repeating: 0, count: 4096)
    let count = readlink("/proc/self/fd/\(descriptor)", &buffer, buffer.count)
    guard count > 0 else { return nil }
    return String(decoding: buffer[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self)
  }
}
