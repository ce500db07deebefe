internal import Support

/// The blocks of `NetworkChaos` that say what happens to packets.
enum NetemEffect {
  /// Reads all blocks that are there: Chaos Mesh hands all of them to the kernel, whatever the action is called.
  static func read(_ fields: Fields, _ action: NetworkChaos.Action?, _ owner: Value) -> PacketEffect? {
    var effect = PacketEffect()
    var isSound = true
    func block(_ key: String, _ actions: [NetworkChaos.Action], _ read: (Value, inout PacketEffect) -> Bool) {
      guard let value = fields.present(key) else {
        if let action, action != .netem, actions.contains(action) {
          owner.mistake("the action \(action.rawValue) needs the key '\(key)'")
          isSound = false
        }
        return
      }
      if let action, action != .netem, !actions.contains(action) {
        guard action != .partition else {
          value.mistake(
            "\(key) has no meaning beside the action partition", fix: "take it out, or make it an object of its own")
          isSound = false
          return
        }
        value.note("\(key) takes place besides the action \(action.rawValue), as there")
      }
      if !read(value, &effect) { isSound = false }
    }
    block("delay", [.delay], delay)
    block("loss", [.loss], loss)
    block("duplicate", [.duplicate]) { share($0, "duplicate", \.duplicate, &$1) }
    block("corrupt", [.corrupt]) { share($0, "corrupt", \.corrupt, &$1) }
    block("rate", [.rate], rate)
    block("bandwidth", [.bandwidth], bandwidth)
    if let action, action == .netem, effect.isEmpty, isSound {
      owner.mistake("the action netem needs one of delay, loss, duplicate, corrupt, rate")
      isSound = false
    }
    return isSound ? effect : nil
  }

  private static func delay(_ value: Value, _ effect: inout PacketEffect) -> Bool {
    let found = value.fields { fields -> (Duration, Duration, Percentage?, Percentage?)? in
      let latency = fields.required("latency", readLatency)
      let jitter = fields.present("jitter").map { $0.goDuration() } ?? .some(.zero)
      let correlation = readCorrelation(fields)
      let reorder = fields.present("reorder").map(readReorder) ?? .some(nil)
      guard let latency, let jitter, let correlation, let reorder else { return nil }
      return (latency, jitter, correlation, reorder)
    }
    guard let (latency, jitter, correlation, reorder) = found else { return false }
    guard latency > .zero else {
      value.mistake("a latency of zero delays nothing")
      return false
    }
    guard jitter <= latency else {
      value.mistake(
        "a jitter of \(jitter.text) around a latency of \(latency.text) would send packets back in time; the kernel cuts"
          + " it off at zero, so that the delays are not those that are written",
        fix: "a jitter of at most \(latency.text)")
      return false
    }
    effect.delay = latency
    effect.reorder = reorder
    if jitter > .zero {
      effect.jitter = jitter
      effect.correlation = correlation
    } else if correlation != nil {
      value.note("correlation says how jitter varies, and there is none: it has no effect, there or here")
    }
    return true
  }

  /// A latency, with what Chaos Mesh would have made of its text.
  static func readLatency(_ value: Value) -> Duration? {
    guard let text = value.words(expected: "a duration such as 90ms") else { return nil }
    guard let duration = value.signedGoDuration() else { return nil }
    guard duration.nanoseconds >= 0 else {
      value.mistake("cannot be negative: \(quoted(text))")
      return nil
    }
    if duration.nanoseconds > 0, !"0ms".utf8.lexicographicallyPrecedes(text.utf8) {
      value.remark(
        "Chaos Mesh compares the text \(quoted(text)) with \"0ms\" and silently adds no delay; here it is"
          + " \(duration.magnitude.text)")
    } else if duration.units.contains(where: { ["m", "h"].contains($0) }) {
      value.remark(
        "Chaos Mesh hands \(quoted(text)) to tc, which knows neither m nor h; here it is \(duration.magnitude.text)")
    }
    return duration.magnitude
  }

  private static func loss(_ value: Value, _ effect: inout PacketEffect) -> Bool {
    let loss = value.fields { fields -> PacketLoss? in
      let share = fields.required("loss") { $0.barePercentage() }
      let correlation = readCorrelation(fields)
      guard let share, let correlation else { return nil }
      return .random(share, correlation: correlation)
    }
    effect.loss = loss
    return loss != nil
  }

  private static func share(
    _ value: Value, _ key: String, _ target: WritableKeyPath<PacketEffect, Percentage?>, _ effect: inout PacketEffect
  ) -> Bool {
    let share = value.fields { fields -> Percentage? in
      let share = fields.required(key) { $0.barePercentage() }
      refuseCorrelation(fields, of: key)
      return share
    }
    effect[keyPath: target] = share
    return share != nil
  }

  /// `nil` inside: none.
  private static func readCorrelation(_ fields: Fields) -> Percentage?? {
    guard let value = fields.present("correlation") else { return .some(nil) }
    remarkNumber(value)
    guard let share = value.barePercentage() else { return nil }
    return share.partsPerMillion == 0 ? .some(nil) : .some(share)
  }

  private static func refuseCorrelation(_ fields: Fields, of key: String) {
    guard let value = fields.present("correlation") else { return }
    remarkNumber(value)
    guard let share = value.barePercentage(), share.partsPerMillion > 0 else { return }
    value.mistake(
      "a correlation of \(key) cannot be expressed: each packet's fate is drawn by itself here",
      fix: "correlation: \"0\"; bursts can be had with loss")
  }

  private static func remarkNumber(_ value: Value) {
    guard value.isPlain else { return }
    value.note("a correlation is a text there (\"25\"); a bare number is refused by Kubernetes")
  }

  private static func readReorder(_ value: Value) -> Percentage?? {
    value.fields { fields -> Percentage?? in
      let share = fields.required("reorder") { $0.barePercentage() }
      refuseCorrelation(fields, of: "reorder")
      if let gap = fields.present("gap"), let number = gap.integer(in: 0...1_000_000), number > 0 {
        gap.mistake(
          "a gap of \(number) cannot be expressed", fix: "take gap out: reorder says how many packets overtake")
      }
      guard let share else { return nil }
      return share.partsPerMillion == 0 ? .some(nil) : .some(share)
    } ?? nil
  }

  private static func rate(_ value: Value, _ effect: inout PacketEffect) -> Bool {
    effect.rate = value.fields { $0.required("rate") { $0.tcRate() } }
    return effect.rate != nil
  }

  private static func bandwidth(_ value: Value, _ effect: inout PacketEffect) -> Bool {
    let found = value.fields { fields -> (BitRate, Int64, Int64)? in
      let rate = fields.required("rate") { $0.tcRate() }
      let limit = fields.required("limit") { $0.integer(in: 1...Int64(UInt32.max)) }
      let buffer = fields.required("buffer") { $0.integer(in: 1...Int64(UInt32.max)) }
      for key in ["peakrate", "minburst"] {
        if let value = fields.present(key), value.integer(in: 0...Int64.max) != 0 {
          value.mistake(
            "\(key) cannot be expressed: a rate has one bucket here",
            fix: "take it out; burst says what may pass at once")
        }
      }
      guard let rate, let limit, let buffer else { return nil }
      return (rate, limit, buffer)
    }
    guard let (rate, limit, buffer) = found else { return false }
    effect.rate = rate
    effect.queue = ByteSize(bytes: limit)
    effect.burst = ByteSize(bytes: buffer)
    return true
  }
}

extension Value {
  /// A rate as tc writes it: `1mbit` counts bits, `1mbps` bytes.
  func tcRate() -> BitRate? {
    guard let text = text(expected: "a rate such as 1mbps or 10mbit") else { return nil }
    let units: [(name: String, bits: Int64)] = [
      ("tbit", 1_000_000_000_000), ("gbit", 1_000_000_000), ("mbit", 1_000_000), ("kbit", 1000), ("bit", 1),
      ("tbps", 8_000_000_000_000), ("gbps", 8_000_000_000), ("mbps", 8_000_000), ("kbps", 8000), ("bps", 8),
    ]
    guard let (number, name) = DecimalText.split(text.filter { $0 != " " }) else {
      mistake("expected a rate such as 1mbps or 10mbit, found \(quoted(text))")
      return nil
    }
    guard let unit = units.first(where: { $0.name == name.lowercased() }), let bits = number.times(unit.bits) else {
      mistake(
        "expected a rate such as 1mbps or 10mbit, found \(quoted(text))",
        fix: "units: bit, kbit, mbit, gbit, tbit, and bps, kbps, mbps, gbps, tbps for bytes")
      return nil
    }
    do {
      let rate = try BitRate(written: "\(bits)bit/s")
      if name.lowercased().hasSuffix("bps") {
        remark("\(quoted(text)) counts bytes, as tc does, not bits: it is \(rate)")
      }
      return rate
    } catch {
      mistake(error.what, fix: error.fix)
      return nil
    }
  }
}
