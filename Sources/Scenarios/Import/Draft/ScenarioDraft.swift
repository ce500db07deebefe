internal import Support

/// A scenario in the making: what was imported, and the frame that it is put into.
struct ScenarioDraft {
  /// One entry of the timeline.
  struct Entry {
    var id: String
    var at: Duration
    var fault: ImportedFault
  }

  var name: String
  var description: String
  var tags: [String]
  /// Comment lines at the head of the document.
  var header: [String]
  var seed: UInt64
  var entries: [Entry]
  /// Sections of the mapping file, which replace those of the frame.
  var sections: [(key: String, value: Node)]
  /// What must hold before anything is injected, where the file says it.
  var expectations: [Node]
  /// Whether the checklist asks for a failover.
  var expectsFailover = false

  /// Where the steps that are imported begin and end, one entry each, in the order in which they begin.
  static func entries(of step: ImportedStep) -> [Entry] {
    var found: [(at: Duration, fault: ImportedFault)] = []
    func walk(_ step: ImportedStep, at begin: Duration) {
      switch step {
      case .fault(let fault): found.append((begin, fault))
      case .pause: break
      case .sequence(let steps):
        var begin = begin
        for step in steps {
          walk(step, at: begin)
          begin += step.length
        }
      case .parallel(let steps): for step in steps { walk(step, at: begin) }
      case .repeated(let step, let times, let every):
        for time in 0..<times { walk(step, at: begin + every * time) }
      }
    }
    walk(step, at: .zero)
    var names = Names(longest: 24)
    let order = found.indices.sorted { (found[$0].at, $0) < (found[$1].at, $1) }
    return order.map { Entry(id: names.unique(found[$0].fault.name), at: found[$0].at, fault: found[$0].fault) }
  }
}

/// Gives names in the form that a scenario wants, each only once.
struct Names {
  let longest: Int
  private var counts: [String: Int] = [:]
  private var given: Set<String> = []

  init(longest: Int) { self.longest = longest }

  /// A name near to `text` that was not given before.
  mutating func unique(_ text: String) -> String {
    let base = Self.narrow(text, longest: longest)
    while true {
      let count = counts[base, default: 0] + 1
      counts[base] = count
      let suffix = count == 1 ? "" : "-\(count)"
      let name = Self.narrow(String(base.prefix(longest - suffix.count)), longest: longest) + suffix
      if given.insert(name).inserted { return name }
    }
  }

  /// Lower-case letters, digits and inner hyphens; `imported` when nothing of that is left.
  static func narrow(_ text: String, longest: Int) -> String {
    var letters: [UInt8] = []
    for byte in text.lowercased().utf8 {
      if (97...122).contains(byte) || (48...57).contains(byte) {
        letters.append(byte)
      } else if let last = letters.last, last != 45 {
        letters.append(45)
      }
    }
    letters = Array(letters.prefix(longest))
    while letters.last == 45 { letters.removeLast() }
    return letters.isEmpty ? "imported" : String(decoding: letters, as: UTF8.self)
  }
}
