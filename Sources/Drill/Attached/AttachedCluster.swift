internal import Scenarios
internal import Stacks
internal import Support

/// One cluster that stands already, with what its clients are told. Secrets are references still.
struct AttachedCluster: Sendable {
  /// What the scenario says of it.
  let model: AttachedKafka.Cluster
  /// What Kafka's clients are told.
  let properties: KafkaProperties
  private let secrets: [Secret]

  /// The region, and the alias in the mirrors.
  var name: String { model.name }

  init(_ model: AttachedKafka.Cluster, secrets: [Secret]) {
    self.model = model
    self.secrets = secrets
    let known = Dictionary(secrets.map { ($0.name, $0.source) }, uniquingKeysWith: { $1 })
    properties = KafkaProperties(
      bootstrap: model.bootstrap,
      Dictionary(
        model.properties.map { property in
          guard case .secret(let name)? = property.value.parts.first, let source = known[name] else {
            return (property.name, KafkaPropertyValue.text(property.value.text))
          }
          return switch source {
          case .environment(let variable): (property.name, .environment(variable))
          case .file(let path): (property.name, .file(path))
          }
        }, uniquingKeysWith: { $1 }))
  }

  /// A client of its Connect worker; `nil` where there is none.
  func connect(clock: any Clock<Duration> = ContinuousClock()) -> ConnectClient? {
    guard let connect = model.connect else { return nil }
    var client = ConnectClient(address: connect.url, clock: clock)
    client.authorities = connect.authorities
    if let authorization = connect.authorization {
      client.authorization = { [secrets = Secrets(secrets)] in try secrets.fill(authorization) }
    }
    return client
  }
}

extension Scenario {
  /// Where events are mirrored: in a lab between all stores, between standing clusters as the scenario says.
  var mirrorDirections: [(from: String, to: String)] {
    guard let attach = stack.attach else {
      let stores = topology.names(with: .store)
      return stores.flatMap { from in stores.filter { $0 != from }.map { (from, $0) } }
    }
    return attach.mirrors.map { ($0.from, $0.to) }
  }

  /// The clusters that stand already, in the order of the file; empty for a lab's.
  var attachedClusters: [AttachedCluster] {
    (stack.attach?.clusters ?? []).map { AttachedCluster($0, secrets: secrets) }
  }

  /// The mirrors between them, as far as names of topics and connectors follow from what the scenario says.
  var attachedLinks: [KafkaMirrorLink] {
    guard let attach = stack.attach else { return [] }
    return attach.mirrors.compactMap { mirror in
      guard let source = attach.cluster(mirror.from), let target = attach.cluster(mirror.to) else { return nil }
      var link = KafkaMirrorLink(
        from: .init(alias: source.name, bootstrap: source.bootstrap),
        to: .init(alias: target.name, bootstrap: target.bootstrap), topics: [stack.topic?.name ?? EventTopic.labName],
        policy: mirror.policy == .identity ? .identity : .standard,
        exactlyOnce: (stack.mirroring ?? KafkaMirroring()).delivery == .exactlyOnce)
      link.separator = mirror.separator
      return link
    }
  }
}
