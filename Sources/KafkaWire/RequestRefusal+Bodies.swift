// Each function reads a request's body and writes the response's, field by field in the order of the schemas; the tagged fields
// that end both are the caller's. What the response says of times, offsets and tokens is what Kafka's own refusals say.

extension RequestRefusal {
  @Sendable static func createTopics(_ echo: inout RequestEcho) throws(WireError) {
    if echo.version >= 2 { echo.put(Int32(0)) }
    try echo.eachAnswered { (echo) throws(WireError) in
      try echo.copyString()
      try echo.skip(6)  // number of partitions, replication factor
      try echo.eachRead { (echo) throws(WireError) in
        try echo.skip(4)
        try echo.skipValues(bytesEach: 4)
      }
      try echo.eachRead { (echo) throws(WireError) in
        try echo.skipString()
        try echo.skipString()
      }
      if echo.version >= 7 { echo.putZeroUUID() }
      echo.putError()
      if echo.version >= 1 { echo.putMessage() }
      if echo.version >= 5 {
        echo.put(Int32(-1))
        echo.put(Int16(-1))
        echo.putCount(0)
      }
    }
    try echo.skip(echo.version >= 1 ? 5 : 4)  // time-out, "validate only"
  }

  @Sendable static func deleteTopics(_ echo: inout RequestEcho) throws(WireError) {
    if echo.version >= 1 { echo.put(Int32(0)) }
    if echo.version >= 6 {
      try echo.eachAnswered { (echo) throws(WireError) in
        try echo.copyNullableString()
        try echo.copy(16)
        echo.putError()
        echo.putMessage()
      }
    } else {
      try echo.eachValueAnswered { (echo) throws(WireError) in
        try echo.copyString()
        echo.putError()
        if echo.version >= 5 { echo.putMessage() }
      }
    }
    try echo.skip(4)
  }

  @Sendable static func deleteRecords(_ echo: inout RequestEcho) throws(WireError) {
    echo.put(Int32(0))
    try echo.eachAnswered { (echo) throws(WireError) in
      try echo.copyString()
      try echo.eachAnswered { (echo) throws(WireError) in
        try echo.copy(4)
        try echo.skip(8)
        echo.put(Int64(-1))
        echo.putError()
      }
    }
    try echo.skip(4)
  }

  @Sendable static func writeTxnMarkers(_ echo: inout RequestEcho) throws(WireError) {
    try echo.eachAnswered { (echo) throws(WireError) in
      try echo.copy(8)
      try echo.skip(3)
      try echo.eachAnswered { (echo) throws(WireError) in
        try echo.copyString()
        try echo.partitions()
      }
      try echo.skip(echo.version >= 2 ? 5 : 4)
    }
  }

  @Sendable static func createAcls(_ echo: inout RequestEcho) throws(WireError) {
    echo.put(Int32(0))
    try echo.eachAnswered { (echo) throws(WireError) in
      try echo.skip(1)
      _ = try echo.string()
      if echo.version >= 1 { try echo.skip(1) }
      _ = try echo.string()
      _ = try echo.string()
      try echo.skip(2)
      echo.putError()
      echo.putMessage()
    }
  }

  @Sendable static func deleteAcls(_ echo: inout RequestEcho) throws(WireError) {
    echo.put(Int32(0))
    try echo.eachAnswered { (echo) throws(WireError) in
      try echo.skip(1)
      try echo.skipString()
      if echo.version >= 1 { try echo.skip(1) }
      try echo.skipString()
      try echo.skipString()
      try echo.skip(2)
      echo.putError()
      echo.putMessage()
      echo.putCount(0)
    }
  }

  @Sendable static func alterConfigs(_ echo: inout RequestEcho) throws(WireError) {
    try alteredConfigs(&echo, bytesOfOperation: 0)
  }

  @Sendable static func incrementalAlterConfigs(_ echo: inout RequestEcho) throws(WireError) {
    try alteredConfigs(&echo, bytesOfOperation: 1)
  }

  private static func alteredConfigs(_ echo: inout RequestEcho, bytesOfOperation: Int) throws(WireError) {
    echo.put(Int32(0))
    try echo.eachAnswered { (echo) throws(WireError) in
      echo.putError()
      echo.putMessage()
      try echo.copy(1)
      try echo.copyString()
      try echo.eachRead { (echo) throws(WireError) in
        try echo.skipString()
        try echo.skip(bytesOfOperation)
        try echo.skipString()
      }
    }
    try echo.skip(1)
  }

  @Sendable static func alterReplicaLogDirs(_ echo: inout RequestEcho) throws(WireError) {
    echo.put(Int32(0))
    // A topic may be moved to several directories: one result for each topic, in order of appearance.
    var names: [ArraySlice<UInt8>] = []
    var partitions: [ArraySlice<UInt8>: [Int32]] = [:]
    try echo.eachRead { (echo) throws(WireError) in
      _ = try echo.string()
      try echo.eachRead { (echo) throws(WireError) in
        let name = try echo.string()
        if partitions[name] == nil { names.append(name) }
        partitions[name, default: []] += try echo.integers()
      }
    }
    echo.putNames(names) { echo, name in
      let list = partitions[name] ?? []
      echo.putCount(list.count)
      for partition in list {
        echo.put(partition)
        echo.putError()
        echo.endWriting()
      }
    }
  }

  @Sendable static func createPartitions(_ echo: inout RequestEcho) throws(WireError) {
    echo.put(Int32(0))
    try echo.eachAnswered { (echo) throws(WireError) in
      try echo.copyString()
      try echo.skip(4)
      try echo.eachRead { (echo) throws(WireError) in try echo.skipValues(bytesEach: 4) }
      echo.putError()
      echo.putMessage()
    }
    try echo.skip(5)
  }

  @Sendable static func createDelegationToken(_ echo: inout RequestEcho) throws(WireError) {
    if echo.version >= 3 {
      try echo.skipString()
      try echo.skipString()
    }
    try echo.eachRead { (echo) throws(WireError) in
      _ = try echo.string()
      _ = try echo.string()
    }
    try echo.skip(8)
    echo.putError()
    // Owner, and who asked: the guard knows neither.
    for text in echo.version >= 3 ? ["User", "ANONYMOUS", "User", "ANONYMOUS"] : ["User", "ANONYMOUS"] {
      echo.putString(text)
    }
    for _ in 0..<3 { echo.put(Int64(-1)) }
    echo.putString("")
    echo.putEmptyBytes()
    echo.put(Int32(0))
  }

  @Sendable static func changeDelegationToken(_ echo: inout RequestEcho) throws(WireError) {
    try echo.skipBytes()
    try echo.skip(8)
    echo.putError()
    echo.put(Int64(0))
    echo.put(Int32(0))
  }

  @Sendable static func deleteGroups(_ echo: inout RequestEcho) throws(WireError) {
    echo.put(Int32(0))
    try echo.eachValueAnswered { (echo) throws(WireError) in
      try echo.copyString()
      echo.putError()
    }
  }

  @Sendable static func electLeaders(_ echo: inout RequestEcho) throws(WireError) {
    echo.put(Int32(0))
    if echo.version >= 1 {
      try echo.skip(1)
      echo.putError()
    }
    try echo.eachAnswered { (echo) throws(WireError) in
      try echo.copyString()
      try echo.eachValueAnswered { (echo) throws(WireError) in
        try echo.copy(4)
        echo.putError()
        echo.putMessage()
      }
    }
    try echo.skip(4)
  }

  @Sendable static func alterPartitionReassignments(_ echo: inout RequestEcho) throws(WireError) {
    try echo.skip(4)
    echo.put(Int32(0))
    if echo.version >= 1 {
      try echo.skip(1)
      echo.put(UInt8(1))
    }
    echo.putError()
    echo.putMessage()
    try echo.eachAnswered { (echo) throws(WireError) in
      try echo.copyString()
      try echo.eachAnswered { (echo) throws(WireError) in
        try echo.copy(4)
        try echo.skipValues(bytesEach: 4)
        echo.putError()
        echo.putMessage()
      }
    }
  }

  @Sendable static func offsetDelete(_ echo: inout RequestEcho) throws(WireError) {
    _ = try echo.string()
    echo.putError()
    echo.put(Int32(0))
    try echo.eachRead { (echo) throws(WireError) in
      _ = try echo.string()
      try echo.skipValues(bytesEach: 4)
    }
    echo.putCount(0)
  }

  @Sendable static func alterClientQuotas(_ echo: inout RequestEcho) throws(WireError) {
    echo.put(Int32(0))
    try echo.eachAnswered { (echo) throws(WireError) in
      echo.putError()
      echo.putMessage()
      try echo.eachAnswered { (echo) throws(WireError) in
        try echo.copyString()
        try echo.copyNullableString()
      }
      try echo.eachRead { (echo) throws(WireError) in
        _ = try echo.string()
        try echo.skip(9)
      }
    }
    try echo.skip(1)
  }

  @Sendable static func alterUserScramCredentials(_ echo: inout RequestEcho) throws(WireError) {
    var users: [ArraySlice<UInt8>] = []
    var seen: Set<ArraySlice<UInt8>> = []
    try echo.eachRead { (echo) throws(WireError) in
      let name = try echo.string()
      if seen.insert(name).inserted { users.append(name) }
      try echo.skip(1)
    }
    try echo.eachRead { (echo) throws(WireError) in
      let name = try echo.string()
      if seen.insert(name).inserted { users.append(name) }
      try echo.skip(5)
      try echo.skipBytes()
      try echo.skipBytes()
    }
    echo.put(Int32(0))
    echo.putNames(users) { echo, _ in
      echo.putError()
      echo.putMessage()
    }
  }

  @Sendable static func updateFeatures(_ echo: inout RequestEcho) throws(WireError) {
    try echo.skip(4)
    try echo.eachRead { (echo) throws(WireError) in
      _ = try echo.string()
      try echo.skip(3)
    }
    if echo.version >= 1 { try echo.skip(1) }
    echo.put(Int32(0))
    echo.putError()
    echo.putMessage()
    if echo.version <= 1 { echo.putCount(0) }
  }

  @Sendable static func unregisterBroker(_ echo: inout RequestEcho) throws(WireError) {
    try echo.skip(4)
    try wholeRefused(&echo)
  }

  @Sendable static func addRaftVoter(_ echo: inout RequestEcho) throws(WireError) {
    try echo.skipString()
    try echo.skip(24)
    try echo.eachRead { (echo) throws(WireError) in
      _ = try echo.string()
      _ = try echo.string()
      try echo.skip(2)
    }
    if echo.version >= 1 { try echo.skip(1) }
    try wholeRefused(&echo)
  }

  @Sendable static func removeRaftVoter(_ echo: inout RequestEcho) throws(WireError) {
    try echo.skipString()
    try echo.skip(20)
    try wholeRefused(&echo)
  }

  @Sendable static func alterShareGroupOffsets(_ echo: inout RequestEcho) throws(WireError) {
    _ = try echo.string()
    try echo.eachRead { (echo) throws(WireError) in
      _ = try echo.string()
      try echo.eachRead { (echo) throws(WireError) in try echo.skip(12) }
    }
    try wholeRefused(&echo)
    echo.putCount(0)
  }

  @Sendable static func deleteShareGroupOffsets(_ echo: inout RequestEcho) throws(WireError) {
    _ = try echo.string()
    try echo.eachRead { (echo) throws(WireError) in _ = try echo.string() }
    try wholeRefused(&echo)
    echo.putCount(0)
  }

  private static func wholeRefused(_ echo: inout RequestEcho) throws(WireError) {
    echo.put(Int32(0))
    echo.putError()
    echo.putMessage()
  }
}
