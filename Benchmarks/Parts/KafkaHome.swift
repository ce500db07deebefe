internal import Stacks

/// What a measure says that needs Kafka where no distribution is named; `nil` where one is.
func figureWithoutKafka() -> Figure? {
  environmentVariable("KAFKA_HOME") == nil
    ? Figure(what: "not measured", samples: Samples(), note: "KAFKA_HOME names no Kafka distribution") : nil
}
