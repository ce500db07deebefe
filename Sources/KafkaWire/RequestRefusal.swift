/// Answers an administrative request with an error, in the response of that request's own version.
///
/// Clients look for a result for each thing that they asked for, so the response repeats the names in the request's body. Null
/// stands for texts once the response has grown large, so that a small request cannot cause a huge answer.
public enum RequestRefusal {
  /// The error that refuses a caller who may not administer the cluster (`org.apache.kafka.common.protocol.Errors`).
  public static let clusterAuthorizationFailed: Int16 = 31

  /// Whether a refusal of this request can be written here.
  public static func isKnown(apiKey: Int16, version: Int16) -> Bool {
    guard let kind = RequestKind.of(apiKey), bodies[apiKey] != nil else { return false }
    return version >= 0 && version <= kind.lastVersion
  }

  /// The whole response, from its size on.
  ///
  /// - Parameters:
  ///   - frame: the whole request, from its header on, without the size before it.
  ///   - message: for the versions that can carry a text; `nil` for none.
  /// - Throws: ``WireError`` for a request that is not known here, or not what it says to be.
  public static func response(
    to frame: ArraySlice<UInt8>, code: Int16 = clusterAuthorizationFailed, message: String?
  ) throws(WireError) -> [UInt8] {
    var reader = WireReader(frame)
    let header = try RequestHeader(&reader)
    guard let kind = RequestKind.of(header.apiKey), let body = bodies[header.apiKey] else {
      throw WireError(.invalid("a request with number \(header.apiKey), which is no administration"), at: 0)
    }
    guard isKnown(apiKey: header.apiKey, version: header.apiVersion) else {
      throw WireError(.unknownVersion(Int(header.apiVersion)), at: 2)
    }
    let isFlexible = kind.isFlexible(header.apiVersion)
    if isFlexible { try reader.skipTags() }
    var echo = RequestEcho(reader, version: header.apiVersion, isFlexible: isFlexible, code: code, message: message)
    echo.put(Int32(0))
    echo.put(header.correlationID)
    echo.endWriting()
    try body(&echo)
    try echo.endReading()
    echo.endWriting()
    guard echo.input.remaining == 0 else {
      throw WireError(.invalid("\(echo.input.remaining) bytes behind the request"), at: echo.input.offset)
    }
    return echo.finish()
  }

  typealias Body = @Sendable (inout RequestEcho) throws(WireError) -> Void

  /// By the request's number. Fields and their versions as in the schemas that ``RequestKind/table`` names.
  static let bodies: [Int16: Body] = [
    19: createTopics, 20: deleteTopics, 21: deleteRecords, 27: writeTxnMarkers, 30: createAcls, 31: deleteAcls,
    33: alterConfigs, 34: alterReplicaLogDirs, 37: createPartitions, 38: createDelegationToken,
    39: changeDelegationToken, 40: changeDelegationToken, 42: deleteGroups, 43: electLeaders,
    44: incrementalAlterConfigs, 45: alterPartitionReassignments, 47: offsetDelete, 49: alterClientQuotas,
    51: alterUserScramCredentials, 57: updateFeatures, 64: unregisterBroker, 80: addRaftVoter, 81: removeRaftVoter,
    91: alterShareGroupOffsets, 92: deleteShareGroupOffsets,
  ]
}
