internal import Glibc
internal import Stacks
internal import Support

/// What was made in clusters that stand already, as it is promised to be removed: written down before it is made, and synced, so that
/// `recover` can remove it when this process was killed.
///
/// One file a run; the process that is named first answers for it while it lives.
actor AttachedUndo {
  /// One entry of the file.
  enum Entry: Sendable, Hashable {
    /// Whose file it is.
    case begin(ProcessIdentity)
    /// How a cluster is reached; secrets are references.
    case cluster(String, KafkaProperties)
    /// A group of the drill's own, under a name that nobody else has.
    case group(String, cluster: String)
    /// A topic that is not there is about to be made.
    case making(String, cluster: String)
    /// So is one by a mirror that follows that topic.
    case mirroring(String, cluster: String)
    /// It was made; `id` is Kafka's own, which a topic that is made anew under its name does not have.
    case made(String, cluster: String, id: String?)
  }

  private var file: JournalFile
  /// The file.
  nonisolated let path: String

  /// Begins a file.
  init(stateDirectory: String, run: String, process: ProcessIdentity, timebase: Timebase) throws {
    let directory = Self.directory(stateDirectory)
    try makeDirectory(directory)
    path = "\(directory)/\(run).jsonl"
    var file = try JournalFile(creating: path, timebase: timebase)
    let (type, data) = try Entry.begin(process).record
    try file.append(type, data)
    self.file = file
  }

  static func directory(_ stateDirectory: String) -> String { "\(stateDirectory)/attached" }

  /// Writes an entry and waits until it is on disk.
  func note(_ entry: Entry) throws {
    let (type, data) = try entry.record
    try file.append(type, data)
  }

  /// All is removed: nothing is promised any more.
  func fulfilled() throws { try removeTree(path) }
}

extension AttachedUndo.Entry {
  private struct Place: Codable {
    var name: String
    var cluster: String
    var id: String?
  }

  private struct Cluster: Codable {
    var name: String
    var properties: KafkaProperties
  }

  /// As it stands in the file.
  var record: (type: String, data: JSONValue) {
    get throws {
      func value(_ content: some Encodable) throws -> JSONValue {
        try decodeJSON(JSONValue.self, from: encodeJSON(content))
      }
      return switch self {
      case .begin(let process): ("attached.begin", try value(process))
      case .cluster(let name, let properties): ("cluster", try value(Cluster(name: name, properties: properties)))
      case .group(let name, let cluster): ("group", try value(Place(name: name, cluster: cluster)))
      case .making(let name, let cluster): ("topic.making", try value(Place(name: name, cluster: cluster)))
      case .mirroring(let name, let cluster): ("topic.mirroring", try value(Place(name: name, cluster: cluster)))
      case .made(let name, let cluster, let id): ("topic.made", try value(Place(name: name, cluster: cluster, id: id)))
      }
    }
  }

  /// Reads an entry; `nil` for one that this version does not know.
  init?(_ record: JournalRecord) {
    func content<T: Decodable>(_ type: T.Type) -> T? {
      // What is of another shape is no such entry.
      guard let bytes = try? encodeJSON(record.data) else { return nil }
      return try? decodeJSON(type, from: bytes)
    }
    switch record.type {
    case "attached.begin":
      guard let process = content(ProcessIdentity.self) else { return nil }
      self = .begin(process)
    case "cluster":
      guard let cluster = content(Cluster.self) else { return nil }
      self = .cluster(cluster.name, cluster.properties)
    case "group":
      guard let place = content(Place.self) else { return nil }
      self = .group(place.name, cluster: place.cluster)
    case "topic.making":
      guard let place = content(Place.self) else { return nil }
      self = .making(place.name, cluster: place.cluster)
    case "topic.mirroring":
      guard let place = content(Place.self) else { return nil }
      self = .mirroring(place.name, cluster: place.cluster)
    case "topic.made":
      guard let place = content(Place.self) else { return nil }
      self = .made(place.name, cluster: place.cluster, id: place.id)
    default: return nil
    }
  }
}
