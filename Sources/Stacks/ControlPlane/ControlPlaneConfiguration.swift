internal import Support

/// What a control-plane process is told at its start, in a file that only its owner can read: it holds a password.
public struct ControlPlaneConfiguration: Sendable, Hashable, Codable {
  /// Faults that can be planted in it.
  public enum Plant: String, Sendable, Hashable, Codable {
    /// It never gives up leadership.
    case neverDemote = "never-demote"
  }

  /// The lab; part of the key's name.
  public var lab: String
  /// The region that it acts for.
  public var region: String
  /// etcd's endpoints, the region's own first.
  public var etcdEndpoints: [String]
  /// The region's store, as `bs_control`; `nil` for a region that only observes.
  public var store: PostgresAddress?
  /// Seconds of lease that it asks for.
  public var leaseSeconds: Int64
  /// Milliseconds for which it leaves the first campaign to the preferred region; 0 for the preferred region itself.
  public var campaignDelayMilliseconds: Int64
  /// Milliseconds between two readings of the key.
  public var pollMilliseconds: Int64
  /// Where it serves its state: a path of at most 107 bytes.
  public var socketPath: String
  /// The fault that is planted; `nil` for none.
  public var plant: Plant?

  /// A configuration with the usual intervals.
  public init(
    lab: String, region: String, etcdEndpoints: [String], store: PostgresAddress?, leaseSeconds: Int64 = 10,
    campaignDelayMilliseconds: Int64 = 0, pollMilliseconds: Int64 = 200, socketPath: String, plant: Plant? = nil
  ) {
    self.lab = lab
    self.region = region
    self.etcdEndpoints = etcdEndpoints
    self.store = store
    self.leaseSeconds = leaseSeconds
    self.campaignDelayMilliseconds = campaignDelayMilliseconds
    self.pollMilliseconds = pollMilliseconds
    self.socketPath = socketPath
    self.plant = plant
  }

  /// The writer's key of a lab: whoever creates it may write, with its create revision as fencing token.
  public static func writerKey(lab: String) -> String { "/blackstart/\(lab)/writer" }

  /// Reads a configuration.
  ///
  /// - Throws: ``Problem`` when the file cannot be read or is no configuration.
  public static func load(_ path: String) throws -> ControlPlaneConfiguration {
    do {
      let configuration = try decodeJSON(ControlPlaneConfiguration.self, from: try readFile(path, limit: 1 << 20))
      try configuration.check(path)
      return configuration
    } catch let problem as Problem {
      throw problem
    } catch {
      throw Problem(
        .usage, at: path, "this is no configuration of a control plane: \(error)",
        fix: "it is written by `blackstart lab up`; see docs/stacks.md for its members")
    }
  }

  /// Writes it for its owner only.
  public func save(_ path: String) throws {
    try writeFile(path, try encodeJSON(self, pretty: true), mode: 0o600)
  }

  private func check(_ path: String) throws(Problem) {
    let wrong: (String, String)? =
      if etcdEndpoints.isEmpty {
        ("no etcd endpoint is given", "add at least one to etcdEndpoints")
      } else if !(2...3600).contains(leaseSeconds) {
        ("leaseSeconds is \(leaseSeconds)", "give 2 to 3600")
      } else if !(10...10_000).contains(pollMilliseconds) {
        ("pollMilliseconds is \(pollMilliseconds)", "give 10 to 10000")
      } else if socketPath.utf8.count > LineServer.longestPath {
        ("socketPath has \(socketPath.utf8.count) bytes", "give at most \(LineServer.longestPath)")
      } else {
        nil
      }
    if let (what, fix) = wrong { throw Problem(.usage, at: path, what, fix: fix) }
  }

  var settings: ControlPlaneMachine.Settings {
    ControlPlaneMachine.Settings(
      region: region, hasStore: store != nil, leaseSeconds: leaseSeconds,
      pollInterval: .milliseconds(pollMilliseconds), campaignDelay: .milliseconds(campaignDelayMilliseconds),
      neverDemotes: plant == .neverDemote)
  }
}
