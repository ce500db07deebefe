/// A place in a history: a region, or the store that stands in it. Its name is in the history's ``NameTable``.
public struct NodeIndex: Sendable, Hashable, Codable, RawRepresentable {
  /// The place in ``NameTable/nodes``.
  public var rawValue: UInt16

  /// The node at place `rawValue` of the table.
  @inlinable public init(rawValue: UInt16) { self.rawValue = rawValue }
}

/// A consumer group in a history. Its name is in the history's ``NameTable``.
public struct GroupIndex: Sendable, Hashable, Codable, RawRepresentable {
  /// The place in ``NameTable/groups``.
  public var rawValue: UInt16

  /// The group at place `rawValue` of the table.
  @inlinable public init(rawValue: UInt16) { self.rawValue = rawValue }
}

/// Why an operation failed or stayed unknown: a store's own code such as `BS409`, or a word such as `timeout`.
/// Its name is in the history's ``NameTable``.
public struct OutcomeCode: Sendable, Hashable, Codable, RawRepresentable {
  /// The place in ``NameTable/codes``.
  public var rawValue: UInt16

  /// The code at place `rawValue` of the table.
  @inlinable public init(rawValue: UInt16) { self.rawValue = rawValue }

  /// The code of an operation that was still open when the history was closed. Every name table begins with it.
  public static let neverCompleted = OutcomeCode(rawValue: 0)
}

/// A partition of a topic in a history, the same number in every cluster. Its name is in the history's ``NameTable``.
public struct PartitionIndex: Sendable, Hashable, Codable, RawRepresentable {
  /// The place in ``NameTable/partitions``.
  public var rawValue: UInt32

  /// The partition at place `rawValue` of the table.
  @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
}

/// A member of a consumer group in a history. Its name is in the history's ``NameTable``.
public struct MemberIndex: Sendable, Hashable, Codable, RawRepresentable {
  /// The place in ``NameTable/members``.
  public var rawValue: UInt32

  /// The member at place `rawValue` of the table.
  @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
}

/// A class of keys, such as `payments`, for which figures are given. Its name is in the history's ``NameTable``.
public struct KeyClassIndex: Sendable, Hashable, Codable, RawRepresentable {
  /// The place in ``NameTable/keyClasses``.
  public var rawValue: UInt16

  /// The class at place `rawValue` of the table.
  @inlinable public init(rawValue: UInt16) { self.rawValue = rawValue }
}

/// The names behind the small numbers of a history. Grows only: a number keeps its name for the whole run.
public struct NameTable: Sendable, Hashable {
  private var lists: [NameList]

  /// The tables, as numbered in the file.
  enum Table: UInt8, CaseIterable { case nodes = 1, groups, codes, partitions, members, keyClasses }

  /// A table that knows only `never-completed`.
  public init() {
    lists = Table.allCases.map { _ in NameList() }
    _ = intern("never-completed", .codes)
  }

  /// Regions and stores.
  public var nodes: [String] { self[.nodes] }
  /// Consumer groups.
  public var groups: [String] { self[.groups] }
  /// Outcome codes; the first is always `never-completed`.
  public var codes: [String] { self[.codes] }
  /// Partitions of topics.
  public var partitions: [String] { self[.partitions] }
  /// Members of consumer groups.
  public var members: [String] { self[.members] }
  /// Classes of keys.
  public var keyClasses: [String] { self[.keyClasses] }

  subscript(table: Table) -> [String] { lists[Int(table.rawValue) - 1].names }

  /// The most names one table can hold, one less than a 16-bit number could count.
  static let limit = Int(UInt16.max)

  /// The node called `name`, entered if it is new.
  public mutating func node(_ name: String) -> NodeIndex { NodeIndex(rawValue: UInt16(intern(name, .nodes))) }
  /// The group called `name`, entered if it is new.
  public mutating func group(_ name: String) -> GroupIndex { GroupIndex(rawValue: UInt16(intern(name, .groups))) }
  /// The code called `name`, entered if it is new.
  public mutating func code(_ name: String) -> OutcomeCode { OutcomeCode(rawValue: UInt16(intern(name, .codes))) }
  /// The partition called `name`, entered if it is new.
  public mutating func partition(_ name: String) -> PartitionIndex {
    PartitionIndex(rawValue: UInt32(intern(name, .partitions)))
  }
  /// The member called `name`, entered if it is new.
  public mutating func member(_ name: String) -> MemberIndex { MemberIndex(rawValue: UInt32(intern(name, .members))) }
  /// The class of keys called `name`, entered if it is new.
  public mutating func keyClass(_ name: String) -> KeyClassIndex {
    KeyClassIndex(rawValue: UInt16(intern(name, .keyClasses)))
  }

  /// The name of `node`; `nil` when the table has none.
  public func name(of node: NodeIndex) -> String? { entry(Int(node.rawValue), .nodes) }
  /// The name of `group`; `nil` when the table has none.
  public func name(of group: GroupIndex) -> String? { entry(Int(group.rawValue), .groups) }
  /// The name of `code`; `nil` when the table has none.
  public func name(of code: OutcomeCode) -> String? { entry(Int(code.rawValue), .codes) }
  /// The name of `partition`; `nil` when the table has none.
  public func name(of partition: PartitionIndex) -> String? { entry(Int(partition.rawValue), .partitions) }
  /// The name of `member`; `nil` when the table has none.
  public func name(of member: MemberIndex) -> String? { entry(Int(member.rawValue), .members) }
  /// The name of `keyClass`; `nil` when the table has none.
  public func name(of keyClass: KeyClassIndex) -> String? { entry(Int(keyClass.rawValue), .keyClasses) }

  private func entry(_ place: Int, _ table: Table) -> String? {
    let names = self[table]
    return place < names.count ? names[place] : nil
  }

  private mutating func intern(_ name: String, _ table: Table) -> Int {
    let place = enter(name, table)
    guard let place else {
      preconditionFailure("a name table holds \(Self.limit) names; '\(name)' is one too many")
    }
    return place
  }

  /// The place of `name`, entered if it is new; `nil` when the table is full.
  mutating func enter(_ name: String, _ table: Table) -> Int? {
    lists[Int(table.rawValue) - 1].enter(name, limit: Self.limit)
  }
}

/// Names in the order in which they came, and the way back from a name to its place.
private struct NameList: Sendable {
  private(set) var names: [String] = []
  private var places: [String: Int] = [:]

  mutating func enter(_ name: String, limit: Int) -> Int? {
    if let place = places[name] { return place }
    guard names.count < limit else { return nil }
    names.append(name)
    places[name] = names.count - 1
    return names.count - 1
  }
}

// The way back follows from the names.
extension NameList: Hashable {
  static func == (left: NameList, right: NameList) -> Bool { left.names == right.names }

  func hash(into hasher: inout Hasher) { hasher.combine(names) }
}

extension NameTable: Codable {
  private enum Key: String, CodingKey, CaseIterable { case nodes, groups, codes, partitions, members, keyClasses }

  /// Decodes the names of each table; tables that are not there are empty.
  ///
  /// - Throws: `DecodingError.dataCorrupted` when a table is too long, holds a name twice, or the codes begin otherwise.
  public init(from decoder: any Decoder) throws {
    self.init()
    let container = try decoder.container(keyedBy: Key.self)
    for (key, table) in zip(Key.allCases, Table.allCases) {
      for (place, name) in (try container.decodeIfPresent([String].self, forKey: key) ?? []).enumerated() {
        guard enter(name, table) == place else {
          throw DecodingError.dataCorruptedError(
            forKey: key, in: container, debugDescription: "the name '\(name)' cannot stand at place \(place)")
        }
      }
    }
  }

  /// Encodes the names of each table that has any.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    for (key, table) in zip(Key.allCases, Table.allCases) where !self[table].isEmpty {
      try container.encode(self[table], forKey: key)
    }
  }
}
