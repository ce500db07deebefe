package import Lab
internal import Stacks
package import Support
package import Workload

/// What opens the sessions of a drill's workload on Kafka, for measuring them without a drill around.
///
/// - Parameters:
///   - topic: the topic that producers write to.
///   - partitions: how many it has.
package func kafkaConnector(
  to lab: Lab, topic: String, partitions: Int, timebase: Timebase = .system
) -> any StoreConnector {
  let site = Site(lab)
  let stores = site.regions.filter { $0.kafka != nil }.map(\.name)
  return KafkaConnector(
    regions: site.regions, state: KafkaState(log: KafkaEventLog(topic: topic, partitions: partitions, stores: stores)),
    timebase: timebase)
}
