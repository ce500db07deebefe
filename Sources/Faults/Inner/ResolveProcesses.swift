internal import Glibc
internal import Netlink
internal import Support

extension ProcessSelector {
  /// The processes that are meant now, each held by its descriptor, in the order of their numbers.
  ///
  /// This process, its parents, init, the kernel's threads and whatever the scope protects are never among them: chosen by
  /// number they are refused, among many they are left out.
  ///
  /// - Parameter refusal: makes an error of a reason.
  /// - Throws: ``FaultError`` when there is none, or one may not be chosen; nothing was changed.
  func resolve(
    in scope: ProcessScope, refusal: (FaultError.Reason) -> FaultError
  ) throws(FaultError) -> [ProcessHandle] {
    let handles: [ProcessHandle]
    do { handles = try find(in: scope, refusal) } catch let error as FaultError {
      throw error
    } catch {
      throw refusal(.system("\(error)"))
    }
    guard !handles.isEmpty else { throw refusal(.invalid("there is no such process: \(self)")) }
    return handles
  }

  /// How many are meant now.
  func count(in scope: ProcessScope) throws -> Int {
    try find(in: scope) { FaultError($0, fault: "", node: "") }.count
  }

  private func find(in scope: ProcessScope, _ refusal: (FaultError.Reason) -> FaultError) throws -> [ProcessHandle] {
    let table = try ProcessTable()
    let protected = table.ownLine.union(scope.protected().map(\.pid))
    var roots = try self.roots(in: table, scope, refusal)
    if case .pid = choice { try refuse(roots, protected, table, scope, refusal) }
    if case .process = choice { try refuse(roots, protected, table, scope, refusal) }
    if includesDescendants { roots = table.tree(below: roots) }
    return try roots.subtracting(protected).sorted().compactMap { pid in
      guard let entry = table.entries[pid], entry.canBeChosen(in: scope) else { return nil }
      return try ProcessHandle(entry)
    }
  }

  /// Those that have the property, whoever they are.
  private func roots(
    in table: ProcessTable, _ scope: ProcessScope, _ refusal: (FaultError.Reason) -> FaultError
  ) throws -> Set<Int32> {
    func all(_ fits: (ProcessTable.Entry) -> Bool) -> Set<Int32> {
      Set(table.entries.values.filter { $0.canBeChosen(in: scope) && fits($0) }.map(\.identity.pid))
    }
    switch choice {
    case .pid(let pid):
      guard let entry = table.entries[pid], !entry.hasEnded else {
        throw refusal(.invalid("there is no process with pid \(pid)"))
      }
      return [pid]
    case .process(let identity):
      guard let entry = table.entries[identity.pid], !entry.hasEnded else {
        throw refusal(.invalid("pid \(identity.pid) is gone"))
      }
      guard entry.identity == identity else {
        throw refusal(
          .invalid(
            "pid \(identity.pid) is another process by now: \(entry.command), started at tick "
              + "\(entry.identity.startTicks), not \(identity.startTicks)"))
      }
      return [identity.pid]
    case .name(let name):
      return all { $0.command == String(decoding: name.utf8.prefix(15), as: UTF8.self) || $0.program == name }
    case .unit(let unit):
      // As systemctl(1) has it, a name without a kind is that of a service.
      let names = [Substring(unit), Substring("\(unit).service")]
      return all { $0.controlGroups.contains { $0.path.split(separator: "/").contains(where: names.contains) } }
    case .cgroup(let path):
      let below = path.hasSuffix("/") ? path : path + "/"
      return all { $0.controlGroups.contains { $0.path == path || $0.path.hasPrefix(below) } }
    case .port(let port):
      let listeners = try Self.listeners(on: port, in: scope)
      return listeners.isEmpty ? [] : all { !$0.sockets.isDisjoint(with: listeners) }
    case .everything:
      guard scope.namespace != nil else {
        throw refusal(.invalid("every process of a whole machine cannot be meant; choose by name, unit or group"))
      }
      return all { _ in true }
    case .role(let role):
      let players = scope.players(role)
      return Set(table.entries.values.map(\.identity).filter(players.contains).map(\.pid))
    }
  }

  /// Says why a process that was chosen by its number cannot be had.
  private func refuse(
    _ pids: Set<Int32>, _ protected: Set<Int32>, _ table: ProcessTable, _ scope: ProcessScope,
    _ refusal: (FaultError.Reason) -> FaultError
  ) throws {
    for pid in pids.sorted() {
      guard let entry = table.entries[pid] else { continue }
      let name = "\(entry.command) (pid \(pid))"
      if protected.contains(pid) {
        throw refusal(
          .invalid("\(name) is this process, one of its parents, init or its guardian, which no fault may touch"))
      }
      if entry.isKernelThread { throw refusal(.invalid("\(name) is a thread of the kernel")) }
      if let namespace = scope.namespace, !entry.isIn(namespace) {
        throw refusal(.invalid("\(name) is not a process of this node"))
      }
    }
  }

  /// Numbers of the sockets that listen on a port in the node.
  private static func listeners(on port: UInt16, in scope: ProcessScope) throws -> Set<UInt32> {
    let diagnosis = try SocketDiagnosis(in: scope.namespace ?? .current())
    defer { diagnosis.close() }
    return Set(try diagnosis.sockets(.tcp).filter { $0.state == .listen && $0.localPort == port }.map(\.inode))
  }
}

extension ProcessTable.Entry {
  /// Whether it is a living program of the node.
  fileprivate func canBeChosen(in scope: ProcessScope) -> Bool {
    guard !hasEnded, !isKernelThread else { return false }
    return scope.namespace.map(isIn) ?? true
  }
}
