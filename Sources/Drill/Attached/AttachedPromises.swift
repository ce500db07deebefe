internal import Stacks
internal import Support

/// What one run has promised to remove from clusters that stand already, as far as its file says.
struct AttachedPromises: Sendable, Hashable {
  /// A topic.
  struct Topic: Sendable, Hashable {
    var name: String
    var cluster: String
    /// Whether a mirror makes it, of a topic of the drill's.
    var isMirrored = false
    /// Whether it is known to be the drill's: it was made, and not only about to be.
    var isMade = false
    /// Kafka's own id of it; `nil`: not known.
    var id: String?
  }

  private(set) var process: ProcessIdentity?
  private(set) var clusters: [String: KafkaProperties] = [:]
  private(set) var groups: [String: Set<String>] = [:]
  private(set) var topics: [Topic] = []
  /// Entries that this version cannot read, in words: whatever they promise cannot be kept by it.
  private(set) var unread: [String] = []

  /// What these entries promise.
  init(_ entries: [AttachedUndo.Entry]) {
    for entry in entries {
      switch entry {
      case .begin(let process): self.process = process
      case .cluster(let name, let properties): clusters[name] = properties
      case .group(let name, let cluster): groups[cluster, default: []].insert(name)
      case .making(let name, let cluster): topics.append(Topic(name: name, cluster: cluster))
      case .mirroring(let name, let cluster): topics.append(Topic(name: name, cluster: cluster, isMirrored: true))
      case .made(let name, let cluster, let id):
        for index in topics.indices where topics[index].name == name && topics[index].cluster == cluster {
          topics[index].isMade = true
          topics[index].id = id
        }
      }
    }
  }

  /// What the file at `path` says.
  init(path: String) throws(SystemError) {
    let contents = try JournalContents(path: path)
    let records = contents.records
    self.init(records.compactMap { AttachedUndo.Entry($0) })
    unread = records.filter { AttachedUndo.Entry($0) == nil }.map {
      "entry \($0.seq) of \(path) ('\($0.type)') cannot be read by this version: what it promises is not removed"
    }
    // A last line that is cut off promised what was not made any more; one in the midst hides what stands behind it.
    if let defect = contents.defect, !contents.isMerelyCutOff {
      unread.append("\(path) is damaged: \(defect). What it promises from there on is not removed")
    }
  }

  /// What was promised, for people.
  var lines: [String] {
    topics.map { "topic \($0.name) of \($0.cluster)\($0.isMade ? "" : ", if it was made")" }
      + groups.sorted { $0.key < $1.key }.flatMap { cluster, groups in
        groups.sorted().map { "group \($0) of \(cluster)" }
      } + unread
  }

  /// Removes it: topics that are the drill's still, and its groups. Nothing else is touched.
  ///
  /// A topic that was about to be made when the process ended may be somebody else's: it is told, and left.
  ///
  /// - Returns: what was removed.
  /// - Throws: ``Problem`` (recoveryIncomplete) with what is left, once everything was tried.
  func remove() async throws -> [String] {
    var work = Removal(left: unread)
    // The drill's own topics before those that mirrors make of them: they would make them again.
    for areMirrored in [false, true] {
      for (cluster, properties) in clusters.sorted(by: { $0.key < $1.key }) {
        let doomed = topics.filter { $0.cluster == cluster && $0.isMirrored == areMirrored }
        let groups = areMirrored ? (groups[cluster] ?? []).sorted() : []
        if doomed.isEmpty, groups.isEmpty { continue }
        await work.remove(doomed, groups, of: cluster, properties)
      }
    }
    guard work.left.isEmpty else {
      throw Problem(
        .recoveryIncomplete, at: "clusters that stand already", work.left.joined(separator: "; "),
        fix: "blackstart recover, with the secrets that the scenario refers to; or remove it by hand")
    }
    return work.removed
  }

  /// What has been done so far.
  private struct Removal {
    var removed: [String] = []
    var left: [String] = []

    mutating func remove(
      _ topics: [Topic], _ groups: [String], of cluster: String, _ properties: KafkaProperties
    ) async {
      do {
        let admin = try await KafkaAdmin(properties, name: "undo-\(cluster)", limit: .seconds(5))
        // One that does not answer now is not waited for once for each of them.
        let answer: Result<KafkaMetadata, KafkaFailure>
        do throws(KafkaFailure) { answer = .success(try await admin.metadata()) } catch { answer = .failure(error) }
        if case .success(let metadata) = answer {
          for topic in topics where metadata.topics[topic.name] != nil { await remove(topic, admin, properties) }
          for group in groups { await remove(group: group, of: cluster, admin) }
        }
        await admin.close()
        _ = try answer.get()
      } catch {
        left += topics.map { "topic \($0.name) of \(cluster): \(error)" }
        left += groups.map { "group \($0) of \(cluster): \(error)" }
      }
    }

    private mutating func remove(_ topic: Topic, _ admin: KafkaAdmin, _ properties: KafkaProperties) async {
      let name = "topic \(topic.name) of \(topic.cluster)"
      do throws(KafkaFailure) {
        guard topic.isMade || topic.isMirrored else {
          left.append("\(name) may be the drill's, which ended while it made it: look, and remove it by hand if it is")
          return
        }
        if let id = topic.id {
          guard let now = await currentID(topic.name, properties) else {
            left.append("\(name): whether it is still the drill's own cannot be asked, so it was not touched")
            return
          }
          // Somebody has made another one under its name.
          if now != id { return }
        }
        try await admin.deleteTopics([topic.name])
        removed.append(name)
      } catch { left.append("\(name): \(error)") }
    }

    /// Kafka's id of a topic; `nil` where it cannot be had.
    private func currentID(_ topic: String, _ properties: KafkaProperties) async -> String? {
      do { return try await KafkaExaminer(properties).topicIDs([topic])?[topic] } catch { return nil }
    }

    private mutating func remove(group: String, of cluster: String, _ admin: KafkaAdmin) async {
      do throws(KafkaFailure) {
        try await admin.deleteGroup(group)
        removed.append("group \(group) of \(cluster)")
      } catch  where error.kind == .notFound {
        // It never committed anything.
      } catch { left.append("group \(group) of \(cluster): \(error)") }
    }
  }
}

/// What killed drills left in clusters that stand already.
public enum AttachedRecovery {
  /// One run's promises.
  public struct Listing: Sendable, Hashable {
    /// The run.
    public var run: String
    /// Whether its process lives, and answers for them.
    public var isHeld: Bool
    /// What is promised.
    public var lines: [String]
  }

  /// Lists what is promised, run by run.
  public static func list(stateDirectory: String) throws -> [Listing] {
    try files(stateDirectory).map { run, path in
      let promises = try AttachedPromises(path: path)
      return Listing(run: run, isHeld: promises.process?.isAlive ?? false, lines: promises.lines)
    }
  }

  /// Removes what runs have left whose processes are gone; with `force` also what others answer for.
  ///
  /// - Returns: what was removed.
  /// - Throws: ``Problem`` (recoveryIncomplete) with what is left of the first run of which something is.
  public static func recover(stateDirectory: String, force: Bool = false) async throws -> [String] {
    var removed: [String] = []
    for (_, path) in try files(stateDirectory) {
      let promises = try AttachedPromises(path: path)
      if promises.process?.isAlive ?? false, !force { continue }
      removed += try await promises.remove()
      try removeTree(path)
    }
    return removed
  }

  private static func files(_ stateDirectory: String) throws -> [(run: String, path: String)] {
    let directory = AttachedUndo.directory(stateDirectory)
    guard fileExists(directory) else { return [] }
    return try listDirectory(directory).filter { $0.hasSuffix(".jsonl") }.sorted().map {
      (String($0.dropLast(6)), "\(directory)/\($0)")
    }
  }
}
