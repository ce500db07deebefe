extension Shape {
  /// The ways in which something can begin.
  private static let starts: [[Key]] = [
    [.must("at", .duration, "so long after the end of the baseline")],
    [.must("after", .named("anchor"), "after a fault or a step")],
    [.must("when", .named("condition"), "as soon as it holds"), .must("within", .duration, "the longest wait")],
  ]

  /// The ways in which a fault can end.
  private static let stops: [[Key]] = [
    [.must("for", .duration, "how long it lasts")],
    [
      .must("until", .any([.choice(["healed"]), .named("condition")]), "what ends it"),
      .must("longest", .duration, "never longer than that"),
    ],
  ]

  private static let id = Key.must("id", .name(Expansion.longestID), "unique; part of the names of its kernel objects")

  private static let plainLink: [Key] = [
    .must("region", .region, "the side that directions are seen from"),
    .may("nodes", .list(.text), "which nodes of the region"),
    .must("from", .any([.choice(["all"]), .list(.region), .named("peers")]), "the other side"),
    .may(
      "flapping",
      .keys([.must("on", .duration, "in force each time"), .must("off", .duration, "not in force")]), "comes and goes"),
  ]

  private static let link = plainLink + [.may("only", .named("scope"), "which packets")]

  /// A duration that may be negative.
  static let signedDuration = Shape.pattern(#"^-?[0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h)$"#)

  private static let wrongTime: [Key] = [
    .may("offset", signedDuration, "how far ahead, or behind"),
    .may("drift", .pattern(#"^-?[0-9]+(\.[0-9]+)?ppm$"#), "how much faster, or slower"),
  ]

  /// Which processes of a region are meant: by one of the keys from `role` to `pid`.
  private static let processes: [Key] = [
    .must("region", .region, "where"), .may("role", .words(ProcessFault.Server.self), "a server of the lab"),
    .may("name", .text, "of the command or program"), .may("port", .integer(1...65_535), "that it listens on"),
    .may("unit", .text, "of systemd"), .may("cgroup", .text, "its control group"),
    .may("pid", .integer(1...4_194_304), "its number"),
    .may("descendants", .text, "whether all that descend from them are meant too"),
  ]

  /// The keys of each kind of fault, besides those of every entry.
  static func keys(of kind: FaultSpecification.Kind) -> [Key] {
    switch kind {
    case .partition:
      link + [
        .may("direction", .words(FaultSpecification.Direction.self), "both", "which packets do not pass"),
        .may("answer", .words(FaultSpecification.CutAnswer.self), "silence", "what the sender learns"),
      ]
    case .network:
      link + [
        .may("in", .named("effect"), "packets that come to the region"),
        .may("out", .named("effect"), "packets that leave it"),
        .may("both", .named("effect"), "each way, where in or out say nothing else"),
      ]
    case .killConnections: link
    case .dns:
      plainLink + [
        .must(
          "answers",
          .list(
            .keys([
              .must("name", .text, "a name, *.name, or *"),
              .may("answer", .any([.words(NameAnswer.Refusal.self), .list(.text)]), "what is answered"),
              .may("late", .duration, "how much later"),
            ])), "about which names, the first that fits")
      ]
    case .ntp: plainLink + wrongTime
    case .process:
      processes + [
        .must("action", .words(ProcessFault.Action.Kind.self), "what happens to them"),
        .may(
          "restart",
          .any([
            .choice(["never"]),
            .keys([.must("after", .duration, "so much later"), .may("clocks", .named("clocks"), "then")]),
          ]), "of servers"),
        .may("grace", .duration, "10s", "of terminate"), .may("every", .duration, "of restart-loop"),
        .may("by", .words(ProcessFault.Pause.self), "of pause"), .may("processor", .percentage, "of throttle"),
        .may("memory", .size, "of squeeze"),
      ]
    case .clock:
      processes + wrongTime + [.may("clocks", .list(.words(ClockFault.Clock.self)), "which clocks")]
    case .nodeClock: [.must("region", .region, "where")] + wrongTime
    case .disk:
      processes + [
        .may("calls", .list(.words(LateCalls.Call.self)), "which system calls"), .may("delay", .duration, "how late"),
        .may("jitter", .duration, "0s", "more or less"), .may("probability", .percentage, "100%", "of each call"),
        .may("files", .list(.text), "of the store: patterns of their paths"),
        .may("operations", .list(.words(DisturbedFiles.Operation.self)), "on files, which"),
        .may("error", .words(DisturbedFiles.Failure.self), "they fail with"),
        .may(
          "torn", .words(DisturbedFiles.Torn.self), "only the front of a write reaches the file; what its writer hears"),
        .may("damage", .choice(["permitted"]), "needed with torn"),
        .may("unsynced", .choice(["true"]), "a sync says that it is done, and is not"),
        .may(
          "restart", .any([.choice(["never"]), .keys([.must("after", .duration, "so much later")])]), "of the store"),
        .may(
          "limit",
          .keys([
            .may("readBytes", .size, "in a second"), .may("writeBytes", .size, "in a second"),
            .may("reads", .integer(1...1_000_000_000), "in a second"),
            .may("writes", .integer(1...1_000_000_000), "in a second"),
          ]), "how much of the disk they get"),
      ]
    }
  }

  /// Entries and patterns that begin in one of `starts`.
  private static func entries(_ starts: [[Key]]) -> Shape {
    let faults = FaultSpecification.Kind.allCases.flatMap { kind in
      stops.flatMap { stop in
        starts.map { start -> Shape in
          .keys([id] + start + stop + [.must("fault", .choice([kind.rawValue]), "what happens")] + keys(of: kind))
        }
      }
    }
    return .any(faults + patterns.flatMap { pattern in starts.map { .keys([id] + $0 + pattern) } })
  }

  private static let members = Shape.list(.named("member"))

  private static let patterns: [[Key]] = [
    [.must("sequence", members, "one after the other"), .may("gap", .duration, "0s", "between two")],
    [.must("parallel", members, "side by side")],
    [
      .must("repeat", members, "one round"), .must("times", .integer(1...100_000), "how many rounds"),
      .must("every", .duration, "from one round to the next"),
      .may("jitter", .duration, "0s", "each round later by up to this, from the seed"),
    ],
    [
      .must(
        "swizzle",
        .keys([
          .may("links", .list(.list(.region)), "pairs of regions; all, if absent"),
          .must("cutEvery", .duration, "from one cut to the next"),
          .must("hold", .duration, "from the last cut to the first heal"),
          .must("healEvery", .duration, "from one heal to the next"),
        ]), "links cut one by one, and healed in another order")
    ],
    [
      .must(
        "ramp",
        .keys(
          link + [
            .may("direction", .words(FaultSpecification.Direction.self), "both", "which packets"),
            .may("start", .named("effect"), "what it begins from"), .must("end", .named("effect"), "what it comes to"),
            .must("over", .duration, "all steps together"), .must("steps", .integer(1...1000), "how many"),
            .may("hold", .duration, "0s", "how much longer the last one stays"),
          ]), "packets fare worse and worse, or better")
    ],
  ]

  static let timeline: [(name: String, shape: Shape)] = [
    ("entry", entries(starts)),
    ("member", entries([[]] + starts)),
    (
      "anchor",
      .any([
        .keys([
          .must("fault", .text, "a fault's id"),
          .may("state", .words(Condition.FaultState.self), "ended", "what it has come to"),
          .may("delay", .duration, "0s", "so much later"),
        ]), .keys([.must("step", .text, "a step's id"), .may("delay", .duration, "0s", "so much later")]),
      ])
    ),
    (
      "scope",
      .keys([
        .may("protocol", .words(TrafficScope.TransportProtocol.self), "needed with ports"),
        .may("ports", .ports, "of the region"), .may("peerPorts", .ports, "of the other side"),
        .may("eitherPorts", .ports, "at whichever end"),
        .may("role", .words(Role.self), "whose server's ports are meant, at whichever end"),
        .may("cgroup", .pattern("^/."), "whose sockets of the region"),
        .may("user", .text, "whose sockets of the region"),
        .may(
          "except",
          .keys([
            .may("ports", .ports, "of the region"), .may("peerPorts", .ports, "of the other side"),
            .may("addresses", .list(.text), "of the other side"),
            .may("networks", .list(.network), "of the other side"),
          ]),
          "which are not meant"),
      ])
    ),
    (
      "peers",
      .keys([
        .may("regions", .any([.choice(["all"]), .list(.region)]), "nodes of these regions"),
        .may("roles", .list(.words(Role.self)), "of their nodes only those that play one of these"),
        .may("nodes", .list(.text), "single nodes"),
        .may("addresses", .list(.text), "whoever has them"),
        .may("networks", .list(.network), "whoever is in them"),
        .may("names", .list(.text), "resolved on the node, and followed"),
      ])
    ),
    (
      "effect",
      .keys([
        .may("loss", .named("loss"), "which packets are lost"), .may("delay", .duration, "all come later"),
        .may("jitter", .duration, "by more or less"),
        .may(
          "distribution",
          .any([
            .words(JitterDistribution.self), .keys([.must("table", .text, "a file of netem's form")]),
          ]), "how the jitter is spread"),
        .may("correlation", .percentage, "how far each delay follows the one before"),
        .may("reorder", .percentage, "overtake the delayed ones"), .may("duplicate", .percentage, "arrive twice"),
        .may("corrupt", .percentage, "with one bit flipped"), .may("rate", .bitRate, "what passes in a time"),
        .may("burst", .size, "what may pass at once"), .may("queue", .size, "what waits"),
      ])
    ),
    (
      "loss",
      .any([
        .percentage,
        .keys([
          .must("random", .percentage, "each with this probability"),
          .may("correlation", .percentage, "how far each follows the one before"),
        ]),
        .keys([
          .must(
            "bursts",
            .keys([
              .must("enter", .percentage, "begins"), .must("leave", .percentage, "ends"),
              .may("inside", .percentage, "100%", "lost within"), .may("outside", .percentage, "0%", "lost between"),
            ]), "Gilbert-Elliott")
        ]), .keys([.must("every", .integer(2...65_536), "every n-th packet")]),
        .keys([.must("exact", .percentage, "of each 65,536, the same in each run")]),
      ])
    ),
  ]

  /// The ways in which a runbook can begin; none is one of them.
  static let runbookStarts: [[Key]] = [[]] + starts
}
