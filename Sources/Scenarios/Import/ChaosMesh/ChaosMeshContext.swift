internal import Support

/// What the readers of Chaos Mesh's objects need besides the object.
struct ChaosMeshContext {
  let map: ImportMap
  /// All regions, by their names.
  let regions: [String]
  /// How long a fault lasts that has no end there.
  let endless: Duration
  /// How often something is done that is done for ever there.
  let repetitions: Int
  /// From which choices follow that Chaos Mesh leaves to chance.
  let seed: UInt64
  /// Where status checks are collected.
  let checks: ImportedChecks
}

/// What every kind of chaos says of its targets and its time.
struct ChaosFrame {
  var place: ImportMap.Place
  var hold: Duration
}

extension ChaosFrame {
  /// Reads the keys that all kinds share.
  ///
  /// - Parameter limit: how long the object may last by what is around it; `nil` where it says so itself.
  static func read(_ fields: Fields, _ owner: Value, limit: Duration?, in context: ChaosMeshContext) -> ChaosFrame? {
    let place = Targets.read(fields, owner, in: context)
    let hold = readDuration(fields, owner, limit: limit, in: context)
    fields.refuse("remoteCluster", "another cluster cannot be reached from a drill", fix: "import it there")
    fields.refuse(
      "scheduler", "the form of Chaos Mesh 1.x, which newer ones ignore",
      fix: "make it a Schedule with this object in it")
    guard let place, let hold else { return nil }
    return ChaosFrame(place: place, hold: hold)
  }

  private static func readDuration(
    _ fields: Fields, _ owner: Value, limit: Duration?, in context: ChaosMeshContext
  ) -> Duration? {
    if let value = fields.present("duration") {
      guard let own = value.faultDuration() else { return nil }
      guard let limit else { return own }
      value.remark("Chaos Mesh refuses a duration inside a workflow; the deadline of \(limit.text) is what counts")
      return min(own, limit)
    }
    if let limit { return limit }
    owner.remark(
      "no duration: there it lasts until someone deletes the object; here it ends after \(context.endless.text)",
      fix: "add duration, or choose with --endless")
    return context.endless
  }
}

/// Which pods or machines are meant.
enum Targets {
  /// How many of those that a selector finds.
  enum Mode: String, CaseIterable {
    case one, all, fixed
    case fixedPercent = "fixed-percent"
    case randomMaxPercent = "random-max-percent"
  }

  /// Reads `selector`, `mode` and `value`.
  static func read(_ fields: Fields, _ owner: Value, in context: ChaosMeshContext) -> ImportMap.Place? {
    let selector = fields.required("selector") { selector -> ImportMap.Place? in
      guard let terms = SelectorTerms.read(selector) else { return nil }
      if terms.terms.isEmpty {
        selector.remark("an empty selector finds every pod of the object's own namespace there")
      }
      return context.map.place(of: terms, at: selector)
    }
    let mode = fields.required("mode") { $0.choice(Mode.self, called: "a mode") }
    let value = fields.present("value")
    guard let selector, let mode else { return nil }
    return choose(from: selector, mode, value, at: fields.value("mode") ?? owner, in: context)
  }

  private static func choose(
    from place: ImportMap.Place, _ mode: Mode, _ value: Value?, at modeValue: Value, in context: ChaosMeshContext
  ) -> ImportMap.Place? {
    var count = place.regions.count
    switch mode {
    case .all:
      if let value { value.note("value has no meaning with mode all") }
      return place
    case .one: count = 1
    case .fixed:
      guard let value else { return missing(modeValue) }
      guard let number = value.integer(in: 1...1_000_000) else { return nil }
      count = min(count, Int(number))
    case .fixedPercent, .randomMaxPercent:
      guard let value else { return missing(modeValue) }
      guard let share = value.integer(in: 1...100) else { return nil }
      count = max(1, count * Int(share) / 100)
    }
    // A pod of several is a region here: the whole of it is disturbed, and that is more than a part of its pods.
    guard count < place.regions.count else {
      modeValue.remark(
        "mode \(mode.rawValue) picks some of the pods, at random and unseeded; here the whole of"
          + " \(listed(place.regions)) is disturbed")
      return place
    }
    var random = SeededRandom(seed: context.seed, for: "\(modeValue.path)@\(modeValue.node.mark)")
    let chosen = Set(place.regions.shuffled(using: &random).prefix(count))
    let regions = place.regions.filter { chosen.contains($0) }
    modeValue.remark(
      "mode \(mode.rawValue) picks at random, unseeded, at each run; here the choice is made now, by seed"
        + " \(context.seed): \(listed(regions)) of \(listed(place.regions))")
    var few = place
    few.regions = regions
    return few
  }

  private static func missing(_ value: Value) -> ImportMap.Place? {
    value.mistake("this mode needs a value", fix: "value: \"1\"")
    return nil
  }
}
