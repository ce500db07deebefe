internal import Netlink

/// The addresses that the names of a held fault have, as its sets hold them.
struct HeldNames: Sendable {
  private(set) var byName: [String: ResolvedName] = [:]
  /// Names that the last question had no answer for.
  private var unanswered: Set<String> = []
  private let exempt: Set<IPAddress>

  /// - Parameter exempt: addresses that never get into a set, whatever a name says.
  init(_ names: [ResolvedName], exempt: [IPAddress]) {
    self.exempt = Set(exempt)
    for name in names { byName[name.name] = name }
  }

  /// All addresses of all names, without the exempt ones.
  var addresses: Set<IPAddress> { Set(byName.values.flatMap(\.addresses)).subtracting(exempt) }

  /// Takes over an answer.
  ///
  /// - Returns: how the name changed, and with it the addresses of all names.
  mutating func take(
    _ answer: ResolvedName
  ) -> (change: NameChange, added: [IPAddress], removed: [IPAddress]) {
    let before = addresses
    let change = answer.change(since: byName[answer.name])
    var now = answer
    // A family that could not be asked about is what it was.
    let kept = (byName[answer.name]?.addresses ?? []).filter { answer.unanswered[$0.family] != nil }
    now.addresses = Set(answer.addresses + kept).sorted()
    byName[answer.name] = now
    unanswered.remove(answer.name)
    let after = addresses
    return (change, after.subtracting(before).sorted(), before.subtracting(after).sorted())
  }

  /// Notes that a name was not answered for. True if it was before.
  mutating func noteUnanswered(_ name: String) -> Bool { unanswered.insert(name).inserted }
}
