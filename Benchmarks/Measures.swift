/// Everything that can be measured, in the order in which it is.
let measures: [Measure] = [
  partitionMeasure, peersMeasure, releaseMeasure, packetCostMeasure, realismMeasure, lossMeasure, collateralMeasure,
  delayLineMeasure, labMeasure, historyMeasure, checkMeasure,
]
