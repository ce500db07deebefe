internal import Glibc
public import Support

/// Control groups of our own for the programs of one lab, one for each program, so that a fault of groups reaches it and
/// nobody else. They are known by their name alone, `blackstart-ID`: who has to remove them needs no record.
public struct OwnedGroups: Sendable, Hashable {
  /// What a fault changes in a group.
  public enum Use: String, Sendable, Hashable, CaseIterable {
    /// How much of a processor it gets.
    case processor
    /// How much memory it has before it is slowed down.
    case memory
    /// Whether it goes on.
    case freezer
    /// How much of a disk it gets.
    case disk

    /// The controller of version 2; `nil` for what every group of version 2 has.
    var controller2: String? {
      switch self {
      case .processor: "cpu"
      case .memory: "memory"
      case .freezer: nil
      case .disk: "io"
      }
    }

    /// The controller of version 1; `nil` where that does something else.
    var controller1: String? {
      switch self {
      case .processor: "cpu"
      case .memory: nil
      case .freezer: "freezer"
      case .disk: "blkio"
      }
    }
  }

  /// The group of the lab, in which those of its programs are.
  public let name: String

  /// The groups of the lab `id`.
  public init(lab id: String) { name = "blackstart-\(id)" }

  /// The directories to make for `uses`: of the lab, in each hierarchy that is needed.
  ///
  /// - Throws: `Problem` (faultNotApplied) naming a use that this machine has no controller for.
  public func places(for uses: Set<Use>) throws -> [String] {
    if uses.isEmpty { return [] }
    let groups = try ControlGroups()
    return try Set(uses.map { try "\(mountPoint(for: $0, groups))/\(name)" }).sorted()
  }

  private func mountPoint(for use: Use, _ groups: ControlGroups) throws -> String {
    var missing: [String] = []
    if let root = groups.version2 {
      guard let controller = use.controller2 else { return root }
      if try Self.words("\(root)/cgroup.subtree_control").contains(controller) { return root }
      missing.append(
        try Self.words("\(root)/cgroup.controllers").contains(controller)
          ? "\(root)/cgroup.subtree_control does not pass '\(controller)' on (echo +\(controller) > it)"
          : "\(root) has no '\(controller)'")
    }
    if let controller = use.controller1 {
      if let root = groups.version1(controller) { return root }
      missing.append("'\(controller)' of version 1 is not mounted")
    }
    throw Problem(
      .faultNotApplied,
      "no control group can be made for faults of the \(use.rawValue): \(missing.joined(separator: "; "))",
      fix: "blackstart doctor says what this machine offers")
  }

  /// Makes the group of one program below `places`, with what they need to be of use.
  ///
  /// - Returns: its directories; a program is in the group when its number stands in their `cgroup.procs`.
  /// - Throws: `SystemError`.
  public func make(_ program: String, in places: [String]) throws(SystemError) -> [String] {
    var made: [String] = []
    for place in places {
      try Self.makeDirectory(place)
      try pass(on: place)
      try Self.makeDirectory("\(place)/\(program)")
      made.append("\(place)/\(program)")
    }
    return made
  }

  /// Lets the groups below have the controllers, and gives the lab the weight of many programs: as one group it would get
  /// no more of a busy processor than a single one.
  private func pass(on place: String) throws(SystemError) {
    let subtree = "\(place)/cgroup.subtree_control"
    if fileExists(subtree) {
      let there = Set(try Self.words("\(place)/cgroup.controllers"))
      for controller in Use.allCases.compactMap(\.controller2) where there.contains(controller) {
        try Self.write("+\(controller)", to: subtree)
      }
    }
    if fileExists("\(place)/cpu.weight") { try Self.write("1600", to: "\(place)/cpu.weight") }
    if fileExists("\(place)/cpu.shares") { try Self.write("16384", to: "\(place)/cpu.shares") }
  }

  // MARK: The end

  /// Its directories that exist, in all hierarchies.
  public func existing() throws(SystemError) -> [String] {
    try ControlGroups().mountPoints.map { "\($0)/\(name)" }.filter { fileExists($0) }.sorted()
  }

  /// Lets all of them go on that stand still, so that what is in them can be ended: version 1 does not even let SIGKILL through.
  public func thaw() throws(SystemError) {
    for group in try existing() {
      for below in try [group] + listDirectory(group).map({ "\(group)/\($0)" }) {
        if fileExists("\(below)/freezer.state") { try Self.write("THAWED", to: "\(below)/freezer.state") }
        if fileExists("\(below)/cgroup.freeze") { try Self.write("0", to: "\(below)/cgroup.freeze") }
      }
    }
  }

  /// Removes them; nothing may be in them any more.
  ///
  /// - Returns: the directories that were there.
  /// - Throws: `SystemError`, EBUSY when something is.
  public func remove() throws(SystemError) -> [String] {
    let groups = try existing()
    for group in groups {
      for name in try listDirectory(group) where fileExists("\(group)/\(name)/cgroup.procs") {
        try Self.removeDirectory("\(group)/\(name)")
      }
      try Self.removeDirectory(group)
    }
    return groups
  }

  private static func removeDirectory(_ path: String) throws(SystemError) {
    // A process that has just ended still counts for a moment.
    for _ in 0..<200 {
      if rmdir(path) == 0 || errno == ENOENT { return }
      guard errno == EBUSY else { break }
      usleep(10_000)
    }
    throw SystemError("rmdir", path)
  }

  private static func makeDirectory(_ path: String) throws(SystemError) {
    guard mkdir(path, 0o755) == 0 || errno == EEXIST else { throw SystemError("mkdir", path) }
  }

  private static func words(_ file: String) throws(SystemError) -> [String] {
    String(decoding: try readFile(file, limit: 4096), as: UTF8.self).split(whereSeparator: \.isWhitespace)
      .map(String.init)
  }

  private static func write(_ text: String, to file: String) throws(SystemError) {
    let descriptor = open(file, O_WRONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw SystemError("open", file) }
    defer { close(descriptor) }
    let bytes = Array(text.utf8)
    guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count else { throw SystemError("write", file) }
  }
}
