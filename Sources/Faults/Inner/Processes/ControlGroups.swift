internal import Glibc
internal import Support

/// The mounted hierarchies of control groups (cgroups(7)): version 2 as one, version 1 as one for each set of controllers.
struct ControlGroups: Sendable {
  private struct Hierarchy: Sendable {
    var mountPoint: String
    /// What of the hierarchy is mounted there: `/` but in containers.
    var root: String
    /// Empty for version 2.
    var controllers: Set<String>
  }

  private let hierarchies: [Hierarchy]

  /// Reads what is mounted.
  init() throws(SystemError) {
    self.init(mountInformation: String(decoding: try readFile("/proc/self/mountinfo"), as: UTF8.self))
  }

  /// - Parameter mountInformation: lines of /proc/self/mountinfo (proc(5)).
  init(mountInformation: String) {
    hierarchies = mountInformation.split(separator: "\n").compactMap { line in
      let words = line.split(separator: " ")
      guard let dash = words.firstIndex(of: "-"), dash + 3 < words.count, words.count > 5 else { return nil }
      let (root, mountPoint) = (String(words[3]), String(words[4]))
      switch words[dash + 1] {
      case "cgroup2": return Hierarchy(mountPoint: mountPoint, root: root, controllers: [])
      case "cgroup":
        return Hierarchy(
          mountPoint: mountPoint, root: root, controllers: Set(words[dash + 3].split(separator: ",").map(String.init)))
      default: return nil
      }
    }
  }

  /// Where any of them is mounted.
  var mountPoints: [String] { Array(Set(hierarchies.map(\.mountPoint))) }

  /// Where version 2 is mounted; `nil` if it is not.
  var version2: String? { hierarchies.first { $0.controllers.isEmpty }?.mountPoint }

  /// Where a controller of version 1 is mounted; `nil` if it is not.
  func version1(_ controller: String) -> String? {
    hierarchies.first { $0.controllers.contains(controller) }?.mountPoint
  }

  /// The directory of a process's group.
  ///
  /// - Parameter controller: one of version 1; `nil` for version 2.
  /// - Returns: `nil` if it is in the root group, which cannot be limited, or there is no such hierarchy.
  func directory(of lines: [ControlGroupLine], controller: String?) -> String? {
    let hierarchy = hierarchies.first { controller.map($0.controllers.contains) ?? $0.controllers.isEmpty }
    let line = lines.first { line in controller.map(line.controllers.contains) ?? line.controllers.isEmpty }
    guard let hierarchy, let line, line.path != "/", line.path.hasPrefix("/") else { return nil }
    if hierarchy.root == "/" { return hierarchy.mountPoint + line.path }
    guard line.path.hasPrefix(hierarchy.root + "/") else { return nil }
    return hierarchy.mountPoint + line.path.dropFirst(hierarchy.root.count)
  }

  /// Numbers of all processes in a group and below it.
  static func members(of directory: String) throws(SystemError) -> Set<Int32> {
    var found: Set<Int32> = []
    for line in String(decoding: try readFile("\(directory)/cgroup.procs"), as: UTF8.self).split(separator: "\n") {
      if let pid = Int32(line) { found.insert(pid) }
    }
    for name in try listDirectory(directory) where fileExists("\(directory)/\(name)/cgroup.procs") {
      found.formUnion(try members(of: "\(directory)/\(name)"))
    }
    return found
  }
}

extension InnerOrder {
  /// The control groups that the fault's processes are in, each of them with no other process in it.
  ///
  /// - Parameters:
  ///   - controller: one of version 1; `nil` for version 2.
  ///   - file: what the group must have to be of use.
  /// - Throws: ``FaultError``: a process in the root group, one that shares its group with others.
  func ownGroups(controller: String?, having file: String) throws -> [String] {
    let handles = try processes()
    let chosen = Set(handles.map(\.identity.pid))
    let groups = try ControlGroups()
    var found: Set<String> = []
    for handle in handles {
      guard let entry = handle.entry else { continue }
      guard let directory = groups.directory(of: entry.controlGroups, controller: controller),
        fileExists("\(directory)/\(file)")
      else {
        // What systemd gives its units of version 2 without being asked has no such file.
        let unit = file == "io.max" ? "a unit with IOAccounting=yes" : "a unit"
        throw refusal(
          .unsupported(
            "\(handle.text) is in no control group of its own that has \(file); start it in one, which \(unit) does"))
      }
      found.insert(directory)
    }
    for directory in found {
      let others = try ControlGroups.members(of: directory).subtracting(chosen)
      // Read after them, so that one that was started since is known by its parents, and one that has ended is not there.
      let table = try ProcessTable()
      let meant = fault.processes?.includesDescendants == true ? table.tree(below: chosen) : []
      let strangers = others.subtracting(meant).filter { table.entries[$0] != nil }
      if let stranger = strangers.min() {
        let name = table.entries[stranger].map { "\($0.command) (pid \(stranger))" } ?? "pid \(stranger)"
        throw refusal(
          .invalid(
            "\(name) is in the control group \(directory) too and was not chosen; choose the group, or all in it"))
      }
    }
    return found.sorted()
  }
}
