import Support
import Testing

@testable import Stacks

/// The answers were recorded from etcd 3.4.23 with `curl -d … http://127.0.0.1:2379/v3/…`.
@Suite struct EtcdWireTests {
  private func json(_ text: String) throws -> JSONValue { try decodeJSON(JSONValue.self, from: Array(text.utf8)) }

  @Test func requestsHaveBase64KeysAndNumbersAsText() throws {
    let request = try encodeJSON(EtcdWire.createIfAbsent("/w", "east", lease: 9_007_199_254_740_993))
    #expect(
      String(decoding: request, as: UTF8.self)
        == #"{"compare":[{"create_revision":"0","key":"L3c=","result":"EQUAL","target":"CREATE"}],"#
        + #""failure":[{"request_range":{"key":"L3c="}}],"#
        + #""success":[{"request_put":{"key":"L3c=","lease":"9007199254740993","value":"ZWFzdA=="}}]}"#)
  }

  @Test func whatIsAbsentIsZeroOrMissing() throws {
    let header = #""header":{"cluster_id":"1","member_id":"2","revision":"5","raft_term":"2"}"#
    #expect(try EtcdWire.found(json("{\(header)}")) == nil)
    #expect(try EtcdWire.renewed(json(#"{"result":{\#(header),"ID":"77"}}"#)) == 0)
    #expect(try EtcdWire.renewed(json(#"{"result":{\#(header),"ID":"77","TTL":"10"}}"#)) == 10)
    #expect(!EtcdWire.succeeded(try json("{\(header)}")))
    let stand =
      #"{"response_range":{\#(header),"kvs":[{"key":"L3c=","create_revision":"4","mod_revision":"4","#
      + #""version":"1","value":"ZXU=","lease":"12"}],"count":"1"}}"#
    #expect(
      try EtcdWire.creation(json(#"{\#(header),"responses":[\#(stand)]}"#))
        == .exists(EtcdKeyValue(key: "/w", value: "eu", createRevision: 4, modRevision: 4, lease: 12)))
    #expect(
      try EtcdWire.creation(json(#"{\#(header),"succeeded":true,"responses":[{"response_put":{}}]}"#))
        == .created(token: 5))
  }

  @Test func memberNumbersUseAll64Bits() throws {
    let status = try EtcdWire.status(
      json(
        #"{"header":{"member_id":"18446744073709551615","revision":"7"},"version":"3.4.23","#
          + #""leader":"18446744073709551614","raftTerm":"3"}"#))
    #expect(status.member == .max && status.leader == .max - 1 && status.raftTerm == 3 && status.revision == 7)
    #expect(try EtcdWire.members(json(#"{"members":[{"ID":"9","name":"m1","clientURLs":["http://x"]}]}"#)).count == 1)
  }

  @Test(arguments: [
    #"{"kvs":{}}"#, #"{"kvs":[]}"#, #"{"kvs":[{"key":"***"}]}"#, #"{"kvs":[{"key":"L3c=","lease":true}]}"#,
  ]) func aRangeOfAnotherShapeIsAnError(_ text: String) throws {
    let answer = try json(text)
    #expect(throws: EtcdWire.Malformed.self) { try EtcdWire.found(answer) }
  }

  @Test(arguments: ["{}", #"{"succeeded":true}"#, #"{"responses":[]}"#]) func aCreationNeedsItsRevision(
    _ text: String
  ) throws {
    let answer = try json(text)
    #expect(throws: EtcdWire.Malformed.self) { try EtcdWire.creation(answer) }
  }

  @Test func refusalsComeInTwoShapes() throws {
    let unary = try #require(
      EtcdWire.refusal(
        try json(
          #"{"error":"etcdserver: requested lease not found","message":"etcdserver: requested lease not found","code":5}"#
        )))
    #expect(unary == (5, "etcdserver: requested lease not found"))
    let stream = try #require(
      EtcdWire.refusal(try json(#"{"error":{"grpc_code":14,"http_code":503,"message":"etcdserver: no leader"}}"#)))
    #expect(stream == (14, "etcdserver: no leader"))
    #expect(EtcdWire.refusal(try json(#"{"result":{}}"#)) == nil)
    #expect(EtcdError.refused(endpoint: "e", code: 14, "").isUnknownOutcome)
    #expect(!EtcdError.refused(endpoint: "e", code: 5, "").isUnknownOutcome)
    #expect(!EtcdError.unreachable(endpoint: "e", "").isUnknownOutcome)
  }
}
