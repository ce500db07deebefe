/// What the log checks must know of the logs beforehand.
public struct LogOptions: Sendable, Hashable {
  /// The logs' names, in the order of their numbers.
  public var names: [String]
  /// The topic of each log, by a number: within one topic a key has one partition and a record one place. Empty: all logs are
  /// one topic.
  public var topics: [UInt16]
  /// Whether the order of two transactions' writes in one log counts as a dependency of the later on the earlier (L9, and L10
  /// with it).
  public var ordersWrites: Bool
  /// Whether consumers say when they are done with a record, so that commits are judged by that (L22) and not by what was given
  /// to them.
  public var marksProcessing: Bool
  /// How many of the latest offsets of a log are kept one by one at most.
  public var windowLimit: Int
  /// How many findings a row lists; the others are counted.
  public var findingLimit: Int

  /// The logs called `names`.
  public init(
    names: [String] = [], topics: [UInt16] = [], ordersWrites: Bool = true, marksProcessing: Bool = false,
    windowLimit: Int = 1 << 16, findingLimit: Int = 1000
  ) {
    self.names = names
    self.topics = topics
    self.ordersWrites = ordersWrites
    self.marksProcessing = marksProcessing
    self.windowLimit = windowLimit
    self.findingLimit = findingLimit
  }

  func name(of log: UInt16) -> String { Int(log) < names.count ? names[Int(log)] : "log \(log)" }

  func topic(of log: UInt16) -> Int { Int(log) < topics.count ? Int(topics[Int(log)]) : 0 }
}
