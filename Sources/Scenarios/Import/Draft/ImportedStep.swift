internal import Support

/// What another tool's file does, in our words and in the order in which it does it.
indirect enum ImportedStep: Sendable {
  /// One disturbance.
  case fault(ImportedFault)
  /// Nothing, for so long.
  case pause(Duration)
  /// One after the other.
  case sequence([ImportedStep], name: String)
  /// All at the same time.
  case parallel([ImportedStep], name: String)
  /// The same again, from beginning to beginning so long.
  case repeated(ImportedStep, times: Int, every: Duration)

  /// From the beginning to the end of all of it.
  var length: Duration {
    switch self {
    case .fault(let fault): fault.hold
    case .pause(let time): time
    case .sequence(let steps, _): steps.reduce(.zero) { $0 + $1.length }
    case .parallel(let steps, _): steps.map(\.length).max() ?? .zero
    case .repeated(let step, let times, let every): every * (times - 1) + step.length
    }
  }

  /// From the beginning to the end of its last fault.
  var lengthOfFaults: Duration {
    switch self {
    case .fault(let fault): return fault.hold
    case .pause: return .zero
    case .sequence(let steps, _):
      guard let last = steps.lastIndex(where: { $0.faultCount > 0 }) else { return .zero }
      return steps[..<last].reduce(.zero) { $0 + $1.length } + steps[last].lengthOfFaults
    case .parallel(let steps, _): return steps.map(\.lengthOfFaults).max() ?? .zero
    case .repeated(let step, let times, let every): return every * (times - 1) + step.lengthOfFaults
    }
  }

  /// Its faults, each once, in the order in which they stand.
  var faults: [ImportedFault] {
    switch self {
    case .fault(let fault): [fault]
    case .pause: []
    case .sequence(let steps, _), .parallel(let steps, _): steps.flatMap(\.faults)
    case .repeated(let step, _, _): step.faults
    }
  }

  /// How many faults it comes to.
  var faultCount: Int {
    switch self {
    case .fault: 1
    case .pause: 0
    case .sequence(let steps, _), .parallel(let steps, _): steps.reduce(0) { $0 + $1.faultCount }
    case .repeated(let step, let times, _): step.faultCount * times
    }
  }
}

/// One disturbance that another tool's file asks for.
struct ImportedFault: Sendable {
  /// What it is called there.
  var name: String
  /// Where it stands, in a few words: `NetworkChaos web-delay, action delay`.
  var origin: String
  /// Where it stands in the file.
  var mark: Mark
  /// What it does: the keys of its entry in the timeline, besides its name and its times.
  var keys: [YamlTree.Member]
  /// The region that it disturbs.
  var region: String
  /// How long it lasts.
  var hold: Duration
}

/// The most faults that one file may come to; a few templates that name each other twice could ask for any number.
let mostImportedFaults = 2000
