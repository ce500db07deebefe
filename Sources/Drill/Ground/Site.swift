internal import Lab
internal import Netlink
internal import Scenarios
internal import Stacks
internal import Support

/// Where a drill takes place: the regions that clients work from, and the nodes that faults are held on. A lab that was built
/// for it, or hosts that were there before.
struct Site: Sendable {
  /// The regions, in the scenario's order.
  let regions: [SiteRegion]
  /// The nodes: of a lab its regions, else the hosts, in the scenario's order.
  let nodes: [SiteNode]
  /// The links by which Kafka's mirrors carry records; empty in a stack without.
  let mirrorLinks: [KafkaMirrorLink]
  /// What was built for the drill; `nil` on hosts.
  let lab: Lab?

  /// The region with that name, if there is one.
  func region(_ name: String) -> SiteRegion? { regions.first { $0.name == name } }

  /// The node with that name, if there is one.
  func node(_ name: String) -> SiteNode? { nodes.first { $0.name == name } }

  /// Descriptor of the network namespace that somebody in a region works from; `nil`: from this machine's own network, as does
  /// whoever is in no region.
  ///
  /// - Throws: ``Problem`` (usage) where there is no such region.
  func networkNamespace(of name: String?) throws(Problem) -> Int32? {
    guard let name else { return nil }
    guard let region = region(name) else { throw Problem(.usage, at: name, "there is no such region") }
    return region.networkNamespace
  }

  /// The lab's servers as they were started last; none on hosts, whose servers are not ours.
  var servers: [LabServer] { lab?.servers ?? [] }
}

/// A region of the site: all that a client needs to work from there.
struct SiteRegion: Sendable {
  /// Its name.
  let name: String
  /// Descriptor of the network namespace that its clients work from; `nil`: from this machine's own network.
  var networkNamespace: Int32?
  /// Its IPv4 address, where a region has one.
  var address4: IPAddress?
  /// Its event store; `nil` without one.
  var store: PostgresAddress?
  /// Its Kafka cluster; `nil` without one.
  var kafka: KafkaProperties?
  /// The same cluster for clients that come under a name; `nil` without one.
  var kafkaNamed: KafkaProperties?
  /// The same cluster for the region's own servers, past the guard where there is one; `nil` without one.
  var innerKafka: KafkaProperties?
  /// The directory with its cluster's log; `nil` where that is not on this machine.
  var kafkaLog: String?
  /// Where its Connect worker has its REST interface; `nil` without one.
  var connectEndpoint: String?
  /// The file from which its worker takes the password of the stores; `nil` where it carries no outbox.
  var outboxSecrets: String?
  /// A client of a Connect worker that was there before, with what it wants to let us in; `nil`: ``connectEndpoint`` is enough.
  var connect: ConnectClient?
  /// Where its schema registry's guard is; `nil` without one.
  var registryEndpoint: String?
  /// Addresses behind the guards, at which nobody but the guards may be served.
  var behindGuards: RegionHandle.BehindGuards?
  /// Where its etcd member serves clients; `nil` without one.
  var etcdEndpoint: String?
  /// The socket at which its control plane tells its state; `nil` without one.
  var controlPlaneSocket: String?

  /// A region without anything that we would be a client of.
  init(name: String) { self.name = name }
}

/// A node of the site: a place with addresses and a kernel.
struct SiteNode: Sendable {
  /// How its agent is had.
  enum Reach: Sendable {
    /// Within this process, in a network namespace of this machine.
    case inside(NetworkNamespace)
    /// Through a command that starts it and gives its standard input and output.
    case command([String])
  }

  /// Its name.
  var name: String
  /// The region it stands in.
  var region: String
  /// Its addresses, as its peers see it.
  var addresses: [IPAddress]
  /// How its agent is had.
  var reach: Reach
}

extension Site {
  /// The site of a standing lab: each region is one node.
  init(_ lab: Lab) {
    regions = lab.regions.map(SiteRegion.init)
    nodes = lab.regions.map {
      SiteNode(
        name: $0.name, region: $0.name, addresses: [$0.address4, $0.address6], reach: .inside($0.namespace))
    }
    mirrorLinks = lab.specification.mirrorLinks()
    self.lab = lab
  }

  /// The site of an inventory: clients work from this machine, and whatever stands on the hosts was there before.
  init(_ topology: Topology) {
    regions = topology.regions.map { SiteRegion(name: $0.name) }
    nodes = topology.hosts.map { host in
      SiteNode(
        name: host.name, region: host.region, addresses: host.addresses.compactMap { IPAddress($0) },
        reach: .command(host.agent))
    }
    mirrorLinks = []
    lab = nil
  }
}

extension SiteRegion {
  /// A region of a lab. Its namespace stays open as long as the lab is known.
  init(_ region: RegionHandle) {
    name = region.name
    networkNamespace = region.namespace.fileDescriptor
    address4 = region.address4
    store = region.store
    kafka = region.kafka
    kafkaNamed = region.kafkaNamed
    innerKafka = region.innerKafka
    kafkaLog = region.kafkaLog
    connectEndpoint = region.connectEndpoint
    outboxSecrets = region.outboxSecrets
    registryEndpoint = region.registryEndpoint
    behindGuards = region.behindGuards
    etcdEndpoint = region.etcdEndpoint
    controlPlaneSocket = region.controlPlaneSocket
  }
}
