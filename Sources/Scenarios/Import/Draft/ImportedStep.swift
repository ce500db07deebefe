internal import Support

/// What another tool's file does, in our words and in the order in which it does it.
indirect enum ImportedStep: Sendable {
  /// One disturbance.
  case fault(ImportedFault)
  /// Nothing, for so long.
  case pause(Duration)
  /// One after the other.
  case sequence([ImportedStep])
  /// All at the same time.
  case parallel([ImportedStep])
  /// The same again, from beginning to beginning so long.
  case repeated(ImportedStep, times: Int, every: Duration)

  /// From the beginning to the end of all of it.
  var length: Duration {
    switch self {
    case .fault(let fault): fault.hold
    case .pause(let time): time
    case .sequence(let steps): steps.reduce(.zero) { $0 + $1.length }
    case .parallel(let steps): steps.map(\.length).max() ?? .zero
    case .repeated(let step, let times, let every): every * (times - 1) + step.length
    }
  }

  /// How many faults it comes to.
  var faultCount: Int {
    switch self {
    case .fault: 1
    case .pause: 0
    case .sequence(let steps), .parallel(let steps): steps.reduce(0) { $0 + $1.faultCount }
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
