internal import FoundationEssentials
internal import Support

/// The client's side of SCRAM (RFC 5802), by which a password is proven without being sent. Pure: the nonce comes from outside.
struct ScramClient {
  /// What is wrong with what the server sent.
  enum Mistake: Error, Hashable {
    /// It is none of the mechanism's messages.
    case malformed(String)
    /// The server refuses, in its own words.
    case refused(String)
    /// The server does not know the password itself: it is somebody else.
    case serverUnproven
  }

  private let hash: HashFunction
  private let name: String
  private let password: [UInt8]
  private let nonce: String
  private var signature: [UInt8] = []

  /// A client for one proof.
  ///
  /// - Parameter nonce: drawn anew for each proof; printable, without a comma.
  init(_ hash: HashFunction, name: String, password: String, nonce: String) {
    self.hash = hash
    self.name = name
    self.password = Array(password.utf8)
    self.nonce = nonce
  }

  private var firstBare: String {
    "n=\(name.replacing("=", with: "=3D").replacing(",", with: "=2C")),r=\(nonce)"
  }

  /// The first message.
  var first: [UInt8] { Array("n,,\(firstBare)".utf8) }

  /// The second message, in answer to the server's first.
  mutating func final(to server: [UInt8]) throws(Mistake) -> [UInt8] {
    let text = String(decoding: server, as: UTF8.self)
    let fields = Self.fields(text)
    if let error = fields["e"] { throw .refused(error) }
    guard let their = fields["r"], their.hasPrefix(nonce), their.count > nonce.count,
      let salt = fields["s"].flatMap({ Data(base64Encoded: $0) }), let rounds = fields["i"].flatMap({ Int($0) }),
      (1...10_000_000).contains(rounds)
    else { throw .malformed("the server's first message has no nonce, salt and rounds") }
    let salted = hash.key(fromPassword: password, salt: Array(salt), rounds: rounds)
    let clientKey = hash.hmac(Array("Client Key".utf8), key: salted)
    let withoutProof = "c=biws,r=\(their)"
    let message = Array("\(firstBare),\(text),\(withoutProof)".utf8)
    let proof = zip(clientKey, hash.hmac(message, key: hash.digest(clientKey))).map { $0 ^ $1 }
    signature = hash.hmac(message, key: hash.hmac(Array("Server Key".utf8), key: salted))
    return Array("\(withoutProof),p=\(Data(proof).base64EncodedString())".utf8)
  }

  /// Whether the server knows the password as well.
  func verify(_ server: [UInt8]) throws(Mistake) {
    let fields = Self.fields(String(decoding: server, as: UTF8.self))
    if let error = fields["e"] { throw .refused(error) }
    guard let proof = fields["v"].flatMap({ Data(base64Encoded: $0) }) else {
      throw .malformed("the server's last message has no signature")
    }
    guard Array(proof) == signature else { throw .serverUnproven }
  }

  private static func fields(_ text: String) -> [String: String] {
    Dictionary(
      text.split(separator: ",").compactMap { part in
        let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        return pair.count == 2 ? (String(pair[0]), String(pair[1])) : nil
      }, uniquingKeysWith: { one, _ in one })
  }
}
