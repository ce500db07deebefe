internal import Guards
internal import Stacks
internal import Support

/// The reign as etcd has it: whoever holds the key may write, and its create revision is the fencing token.
struct EtcdTokenSource: TokenSource {
  let key: String
  private let client: EtcdClient

  /// - Throws: `SystemError` when the client's thread cannot be made.
  init(endpoints: [String], key: String) throws(SystemError) {
    self.key = key
    client = try EtcdClient(endpoints: endpoints, name: "token-source")
  }

  var name: String { "etcd \(key)" }

  /// A linearizable read: a member that lost its quorum does not answer it, and one that lags does not either.
  func current() async throws -> TokenReading {
    guard let found = try await client.range(key) else { return .vacant }
    guard let token = FencingToken(found.createRevision) else {
      throw Problem(.fail, at: key, "etcd gives a create revision of \(found.createRevision), which is no token")
    }
    return .held(token, holder: found.value)
  }
}
