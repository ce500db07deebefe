/// Everything that can be measured, in the order in which it is.
let measures: [Measure] = [
  partitionMeasure, commandSequenceMeasure, peersMeasure, cutSkewMeasure, releaseMeasure, timeoutMeasure,
  packetCostMeasure, realismMeasure, lossMeasure, collateralMeasure, delayLineMeasure, netemMeasure,
  diskMeasure, labMeasure, kafkaLabMeasure, kafkaProducerMeasure, historyMeasure, checkMeasure, clockMeasure,
  guardMeasure, guardBrokerMeasure, guardTLSMeasure,
]
