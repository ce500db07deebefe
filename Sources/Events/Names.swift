/// A place in a history: a region, or the store that stands in it. Its name is in the history's ``NameTable``.
public struct NodeIndex: Sendable, Hashable, Codable, RawRepresentable {
  /// The place in ``NameTable/nodes``.
  public var rawValue: UInt16

  /// The node at place `rawValue` of the table.
  public init(rawValue: UInt16) { self.rawValue = rawValue }
}

/// A consumer group in a history. Its name is in the history's ``NameTable``.
public struct GroupIndex: Sendable, Hashable, Codable, RawRepresentable {
  /// The place in ``NameTable/groups``.
  public var rawValue: UInt16

  /// The group at place `rawValue` of the table.
  public init(rawValue: UInt16) { self.rawValue = rawValue }
}

/// Why an operation failed or stayed unknown: a store's own code such as `BS409`, or a word such as `timeout`.
/// Its name is in the history's ``NameTable``.
public struct OutcomeCode: Sendable, Hashable, Codable, RawRepresentable {
  /// The place in ``NameTable/codes``.
  public var rawValue: UInt16

  /// The code at place `rawValue` of the table.
  public init(rawValue: UInt16) { self.rawValue = rawValue }

  /// The code of an operation that was still open when the history was closed. Every name table begins with it.
  public static let neverCompleted = OutcomeCode(rawValue: 0)
}

/// The names behind the small numbers of a history. Grows only: a number keeps its name for the whole run.
public struct NameTable: Sendable, Hashable, Codable {
  /// Regions and stores.
  public private(set) var nodes: [String] = []
  /// Consumer groups.
  public private(set) var groups: [String] = []
  /// Outcome codes; the first is always `never-completed`.
  public private(set) var codes: [String] = ["never-completed"]

  /// A table that knows only `never-completed`.
  public init() {}

  /// The most names one table can hold, one less than its 16-bit numbers could count.
  static let limit = Int(UInt16.max)

  /// The node called `name`, entered if it is new.
  public mutating func node(_ name: String) -> NodeIndex {
    NodeIndex(rawValue: Self.intern(name, in: &nodes))
  }

  /// The group called `name`, entered if it is new.
  public mutating func group(_ name: String) -> GroupIndex {
    GroupIndex(rawValue: Self.intern(name, in: &groups))
  }

  /// The code called `name`, entered if it is new.
  public mutating func code(_ name: String) -> OutcomeCode {
    OutcomeCode(rawValue: Self.intern(name, in: &codes))
  }

  /// The name of `node`; `nil` when the table has none.
  public func name(of node: NodeIndex) -> String? { Self.entry(node.rawValue, nodes) }
  /// The name of `group`; `nil` when the table has none.
  public func name(of group: GroupIndex) -> String? { Self.entry(group.rawValue, groups) }
  /// The name of `code`; `nil` when the table has none.
  public func name(of code: OutcomeCode) -> String? { Self.entry(code.rawValue, codes) }

  private static func entry(_ place: UInt16, _ names: [String]) -> String? {
    Int(place) < names.count ? names[Int(place)] : nil
  }

  // Tables hold a handful of names (regions, groups, codes), so a scan is shorter than a hash.
  private static func intern(_ name: String, in names: inout [String]) -> UInt16 {
    if let place = names.firstIndex(of: name) { return UInt16(place) }
    precondition(names.count < limit, "a name table holds \(limit) names; '\(name)' is one too many")
    names.append(name)
    return UInt16(names.count - 1)
  }
}
