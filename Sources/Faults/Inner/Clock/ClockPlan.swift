internal import Support

extension ClockSkew {
  /// One example of each kind, for `doctor`.
  static let examples: [(String, ClockSkew)] = [
    ("clock skew", ClockSkew(offsetNanoseconds: 5_000_000_000)),
    ("clock drift", ClockSkew(offsetNanoseconds: 0, driftPartsPerBillion: 200_000)),
  ]

  /// How it is made on a node with these abilities. Pure.
  ///
  /// - Throws: ``FaultError`` (unsupported) when such a node cannot have it.
  func plan(_ fault: InnerFault, on node: InnerProfile) throws(FaultError) -> InnerFaultPlan {
    for ability in [InnerProfile.Ability.pidfd, .tracing, .clockStub] {
      guard let why = node.whyNot(ability) else { continue }
      throw FaultError(.unsupported("clocks of processes cannot be skewed: \(why)"), fault: fault.id, node: fault.node)
    }
    let whom = fault.processes.map { "\($0)" } ?? "nothing"
    var limits = Self.limits
    if clocks.contains(.monotonic) || clocks.contains(.boottime) {
      limits.append(
        "monotonic clocks jump back by the offset when the skew ends, which they never do in nature; programs may stop")
    }
    return InnerFaultPlan(
      mechanisms: [
        .init(
          part: "clock", mechanism: .clockStub,
          why:
            "running programs in C, Go, Java and Swift ask the vDSO; the stub in it ends by itself without heartbeats",
          accuracy: "offset exact to 1 ns, drift to 10⁻¹²; a clock read then costs about twice as much")
      ],
      changes: [
        "\(self) for \(whom): clock_gettime, gettimeofday and time of their vDSO lead to a stub in its spare bytes",
        "every thread of each stands still for some 80 µs and 15 to 30 µs a thread, twice; offsets change later without a stop",
      ],
      undo:
        "blackstart recover; by itself the skew ends when no heartbeat comes for \(fault.timing.silenceMilliseconds) ms",
      limits: limits)
  }

  /// What no stub in a vDSO reaches.
  static let limits = [
    "not reached: system calls made directly, time stamps of files, timers and waits with an absolute time of day (they "
      + "end too late by the offset, or at once again and again when the clock is behind)",
    "not reached: static programs whose C library does not use the vDSO, and what an exec'd child reads before it is found",
    "refused: processes with a debugger, with seccomp, of 32 bits, in a time namespace of their own",
  ]
}

extension InnerProfile {
  /// Asks this machine what it offers for clocks.
  mutating func addClockAbilities() {
    do {
      let patch = try ClockTemplate(tag: 0).patch
      answers[.clockStub] = .there(
        "\(patch.jumps.count) functions, a stub of \(patch.stub.changed.count) bytes"
          + (patch.keepsFastPath ? "" : ", with system calls"))
    } catch {
      answers[.clockStub] = .missing("\(error)")
    }
  }
}
