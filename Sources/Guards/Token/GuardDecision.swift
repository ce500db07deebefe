public import Support

/// What somebody asked of a guard.
public struct GuardQuestion: Sendable, Hashable {
  /// Which guard: `registry`, `admin`.
  public var origin: String
  /// Where the request came from, `10.91.1.7:40112`.
  public var client: String
  /// What was asked: `POST /subjects/orders-value/versions`, `CreateTopics 7`.
  public var asked: String
  /// Its token.
  public var presented: PresentedToken
  /// What the client calls itself, where the protocol has that.
  public var clientID: String?

  /// A question by its parts.
  public init(origin: String, client: String, asked: String, presented: PresentedToken, clientID: String? = nil) {
    self.origin = origin
    self.client = client
    self.asked = asked
    self.presented = presented
    self.clientID = clientID
  }
}

/// One line of the decision log.
public struct GuardDecision: Sendable, Hashable, Codable {
  /// When, RFC 3339, UTC.
  public var time: String
  /// The same on the monotonic clock of the machine, in nanoseconds.
  public var monotonic: Int64
  /// Which guard decided: `registry`, `admin`.
  public var origin: String
  /// Where the request came from.
  public var client: String
  /// What was asked.
  public var asked: String
  /// What the client calls itself; `nil` where the protocol has no such thing, or it said nothing.
  public var clientID: String?
  /// The token as presented; `nil` for none.
  public var token: String?
  /// Whether it passed.
  public var isAllowed: Bool
  /// By which rule.
  public var rule: GuardRule
  /// The token of the reign that the authority named last; `nil` for nobody, or not known.
  public var current: Int64?
  /// The highest token seen until then.
  public var highest: Int64?

  /// Reads a log. A line that is none, as a crash may leave at the end of a run, is counted and passed over.
  ///
  /// - Throws: `SystemError` when the file cannot be read.
  public static func read(_ path: String) throws(SystemError) -> (decisions: [GuardDecision], damagedLines: Int) {
    var decisions: [GuardDecision] = []
    var damaged = 0
    for line in try readFile(path, limit: 1 << 30).split(separator: UInt8(ascii: "\n")) {
      do { decisions.append(try decodeJSON(GuardDecision.self, from: line)) } catch { damaged += 1 }
    }
    return (decisions, damaged)
  }
}
