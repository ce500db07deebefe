internal import FoundationEssentials
internal import Support

/// Requests and answers of etcd's v3 JSON gateway. Keys and values are base64, 64-bit numbers are text, and what is
/// absent is zero, false or empty (the JSON mapping of proto3).
enum EtcdWire {
  /// The part of an answer that was missing or had another type.
  struct Malformed: Error, Equatable {
    var what: String
  }

  static func base64(_ text: String) -> JSONValue { .string(Data(text.utf8).base64EncodedString()) }

  static func text(_ value: JSONValue?, _ field: String) throws(Malformed) -> String {
    guard let value else { return "" }
    guard let encoded = value.string, let data = Data(base64Encoded: encoded) else {
      throw Malformed(what: "\(field) is not base64")
    }
    return String(decoding: data, as: UTF8.self)
  }

  static func integer(_ value: JSONValue?, _ field: String) throws(Malformed) -> Int64 {
    guard let value else { return 0 }
    guard let number = value.integer else { throw Malformed(what: "\(field) is no 64-bit number") }
    return number
  }

  /// Member ids and terms use all 64 bits, which `JSONValue` has no integer for: they are always text.
  static func unsigned(_ value: JSONValue?, _ field: String) throws(Malformed) -> UInt64 {
    guard let value else { return 0 }
    guard let text = value.string, let number = UInt64(text) else {
      throw Malformed(what: "\(field) is no unsigned 64-bit number")
    }
    return number
  }

  static func grant(seconds: Int64) -> JSONValue { ["TTL": .string("\(seconds)")] }

  static func lease(_ answer: JSONValue) throws(Malformed) -> EtcdLease {
    let lease = EtcdLease(id: try integer(answer["ID"], "ID"), seconds: try integer(answer["TTL"], "TTL"))
    guard lease.id != 0, lease.seconds > 0 else { throw Malformed(what: "a lease without ID or TTL") }
    return lease
  }

  static func lease(id: Int64) -> JSONValue { ["ID": .string("\(id)")] }

  /// Seconds left after one renewal; 0 when the lease is gone.
  static func renewed(_ answer: JSONValue) throws(Malformed) -> Int64 {
    guard let result = answer["result"] else { throw Malformed(what: "a renewal without result") }
    return try integer(result["TTL"], "result.TTL")
  }

  static func put(_ key: String, _ value: String, lease: Int64) -> JSONValue {
    ["key": base64(key), "value": base64(value), "lease": .string("\(lease)")]
  }

  static func range(_ key: String, serializable: Bool) -> JSONValue {
    ["key": base64(key), "serializable": .bool(serializable)]
  }

  static func keyValue(_ value: JSONValue) throws(Malformed) -> EtcdKeyValue {
    EtcdKeyValue(
      key: try text(value["key"], "kvs.key"), value: try text(value["value"], "kvs.value"),
      createRevision: try integer(value["create_revision"], "kvs.create_revision"),
      modRevision: try integer(value["mod_revision"], "kvs.mod_revision"),
      lease: try integer(value["lease"], "kvs.lease"))
  }

  /// The one key asked for; `nil` when it is not there.
  static func found(_ answer: JSONValue) throws(Malformed) -> EtcdKeyValue? {
    guard let list = answer["kvs"] else { return nil }
    guard let first = list.array?.first else { throw Malformed(what: "kvs is no list") }
    return try keyValue(first)
  }

  static func createIfAbsent(_ key: String, _ value: String, lease: Int64) -> JSONValue {
    [
      "compare": [["key": base64(key), "target": "CREATE", "result": "EQUAL", "create_revision": "0"]],
      "success": [["request_put": put(key, value, lease: lease)]],
      "failure": [["request_range": ["key": base64(key)]]],
    ]
  }

  static func creation(_ answer: JSONValue) throws(Malformed) -> EtcdCreation {
    // A transaction that wrote made exactly one new revision, which the header carries: it is the create revision.
    if answer["succeeded"]?.bool == true {
      let revision = try integer(answer["header"]?["revision"], "header.revision")
      guard revision > 0 else { throw Malformed(what: "a transaction without revision") }
      return .created(token: revision)
    }
    guard let read = answer["responses"]?.array?.first?["response_range"], let key = try found(read) else {
      throw Malformed(what: "a refused creation without the key that stands in its way")
    }
    return .exists(key)
  }

  static func deleteIfOwned(_ key: String, token: Int64) -> JSONValue {
    [
      "compare": [["key": base64(key), "target": "CREATE", "result": "EQUAL", "create_revision": .string("\(token)")]],
      "success": [["request_delete_range": ["key": base64(key)]]],
    ]
  }

  static func succeeded(_ answer: JSONValue) -> Bool { answer["succeeded"]?.bool == true }

  static func status(_ answer: JSONValue) throws(Malformed) -> EtcdStatus {
    guard let header = answer["header"] else { throw Malformed(what: "a status without header") }
    return EtcdStatus(
      member: try unsigned(header["member_id"], "header.member_id"), leader: try unsigned(answer["leader"], "leader"),
      raftTerm: try unsigned(answer["raftTerm"], "raftTerm"),
      revision: try integer(header["revision"], "header.revision"), version: answer["version"]?.string ?? "")
  }

  static func members(_ answer: JSONValue) throws(Malformed) -> [EtcdMember] {
    guard let list = answer["members"]?.array else { throw Malformed(what: "members is no list") }
    var members: [EtcdMember] = []
    for member in list {
      members.append(
        EtcdMember(
          id: try unsigned(member["ID"], "members.ID"), name: member["name"]?.string ?? "",
          clientURLs: (member["clientURLs"]?.array ?? []).compactMap(\.string)))
    }
    return members
  }

  /// Code and message of a refusal, whichever of the gateway's shapes it has: a stream's is nested under `error`.
  static func refusal(_ answer: JSONValue) -> (code: Int64, message: String)? {
    if let nested = answer["error"], nested.string == nil {
      return (nested["grpc_code"]?.integer ?? 2, nested["message"]?.string ?? "no message")
    }
    guard let message = answer["error"]?.string ?? answer["message"]?.string else { return nil }
    return (answer["code"]?.integer ?? 2, message)
  }
}
