public import Netlink
public import Stacks

/// A region of a standing lab: all that a client needs to be inside it.
///
/// Open clients with ``namespace``'s descriptor, so that their sockets are in the region and its faults reach them.
public final class RegionHandle: Sendable {
  /// Its name.
  public let name: String
  /// What runs there, in ``RegionRole`` order.
  public let roles: [RegionRole]
  /// Its place in the address plan, from 1.
  public let number: Int
  /// Its network namespace, held open.
  public let namespace: NetworkNamespace
  /// Its IPv4 address on the wide-area network.
  public let address4: IPAddress
  /// Its IPv6 address.
  public let address6: IPAddress
  /// Where its etcd member serves clients, `http://10.91.1.1:2379`; `nil` without one.
  public let etcdEndpoint: String?
  /// Its event store, for the role `bs_app`; ``PostgresAddress/with(user:)`` gives the others. `nil` without one.
  public let store: PostgresAddress?
  /// Its Kafka cluster; `nil` without one.
  public let kafka: KafkaProperties?
  /// The directory with its cluster's log, a directory a partition; `nil` without one.
  public let kafkaLog: String?
  /// Where the same cluster serves clients that come under a name; without one they are refused there.
  public let kafkaNamed: KafkaProperties?
  /// Where its Connect worker has its REST interface, `http://10.91.1.1:8083`; `nil` without one.
  public let connectEndpoint: String?
  /// The file from which its worker takes the password of the event stores; `nil` where it carries no outbox.
  public let outboxSecrets: String?
  /// The same cluster for the region's own servers, past the guard where there is one; `nil` without one.
  public let innerKafka: KafkaProperties?
  /// Addresses behind the guards, at which nobody but the guards may be served.
  public let behindGuards: BehindGuards
  /// Where its schema registry's guard has the Confluent-compatible interface; `nil` without one.
  public let registryEndpoint: String?
  /// The socket at which its control plane tells its state; `nil` without one.
  public let controlPlaneSocket: String?

  /// Where somebody would come past a region's guards.
  public struct BehindGuards: Sendable, Hashable {
    /// The registry's interface; `nil` without one.
    public var registry: String?
    /// The broker's listener; `nil` where no guard stands before it.
    public var kafka: String?
    /// Its listener for clients that come under a name, likewise.
    public var kafkaNamed: String?
  }

  init(
    _ region: RegionSpecification, number: Int, namespace: NetworkNamespace, paths: LabPaths,
    specification: LabSpecification, password: String
  ) {
    let ports = specification.ports
    name = region.name
    roles = region.roles
    self.number = number
    self.namespace = namespace
    address4 = AddressPlan.prefix4(number).address
    address6 = AddressPlan.prefix6(number).address
    etcdEndpoint = region.has(.quorum) ? "http://\(address4):\(ports.etcdClient)" : nil
    store =
      region.has(.store)
      ? PostgresAddress(
        host: "\(address4)", port: UInt16(clamping: ports.store), user: EventStore.applicationRole, password: password)
      : nil
    kafka = region.has(.broker) ? KafkaProperties(bootstrap: [specification.outerKafka(number)]) : nil
    innerKafka = region.has(.broker) ? KafkaProperties(bootstrap: [specification.innerKafka(number)]) : nil
    let base = SchemaRegistrySettings.base
    registryEndpoint = region.has(.registry) ? "http://\(address4):\(ports.registry)\(base)" : nil
    let hasAdminGuard = region.has(.broker) && specification.kafka?.hasAdminGuard == true
    behindGuards = BehindGuards(
      registry: region.has(.registry) ? "http://\(address4):\(ports.registryGuarded)\(base)" : nil,
      kafka: hasAdminGuard ? "\(address4):\(ports.kafkaGuarded)" : nil,
      kafkaNamed: hasAdminGuard ? "\(address4):\(ports.kafkaNamedGuarded)" : nil)
    kafkaLog = region.has(.broker) ? paths.brokerData(region.name) : nil
    kafkaNamed = region.has(.broker) ? KafkaProperties(bootstrap: ["\(address4):\(ports.kafkaNamed)"]) : nil
    connectEndpoint = region.has(.mirror) ? "http://\(address4):\(ports.connect)" : nil
    outboxSecrets =
      region.has(.mirror) && specification.kafka?.outbox != nil ? paths.outboxSecrets(region.name) : nil
    controlPlaneSocket = region.has(.control) ? paths.controlPlaneSocket(region.name) : nil
  }

  /// Whether it has that role.
  public func has(_ role: RegionRole) -> Bool { roles.contains(role) }
}
