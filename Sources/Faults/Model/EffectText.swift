internal import Support

extension Fault.Effect {
  /// The effect in a few words, for plans: `loss 1% at random, delay 50ms ± 5ms (normal)`.
  public var words: String {
    var parts: [String] = []
    if let cut { parts.append(cut.words) }
    if let loss { parts.append("loss \(loss.words)") }
    if let delay { parts.append("delay \(delay.words)") }
    if let reorder {
      let gap = reorder.gap == 1 ? "" : ", gap \(reorder.gap)"
      parts.append("reorder \(Fault.Chance(reorder.probability, correlation: reorder.correlation).words)\(gap)")
    }
    if let duplicate { parts.append("duplicate \(duplicate.words)") }
    if let corrupt { parts.append("corrupt \(corrupt.words)") }
    if let rate { parts.append("rate \(rate.words)") }
    if let answers { parts.append(answers.words) }
    return parts.joined(separator: ", ")
  }
}

/// `1%`, `0.05%`: as many decimals as it takes, six at most.
private func percent(_ share: Double) -> String {
  var text = fixed(share * 100, 6)
  while text.hasSuffix("0") { text.removeLast() }
  if text.hasSuffix(".") { text.removeLast() }
  return "\(text)%"
}

private func correlated(_ correlation: Double) -> String {
  correlation == 0 ? "" : ", correlation \(percent(correlation))"
}

extension Fault.Refusal {
  fileprivate var words: String {
    switch self {
    case .silence: "cut"
    case .tcpReset: "refuse with TCP resets"
    case .icmp(let error): "refuse with ICMP \(error.rawValue)"
    }
  }
}

extension Fault.Loss {
  fileprivate var words: String {
    switch self {
    case .random(let probability, let correlation): "\(percent(probability)) at random\(correlated(correlation))"
    case .pattern(let probability, let correlation): "\(percent(probability)) by pattern\(correlated(correlation))"
    case .everyNth(let n): "of every \(n). packet"
    case .bursts(let model):
      "in bursts (p \(percent(model.toBad)), r \(percent(model.toGood)), 1-h \(percent(model.lossInBad)), "
        + "1-k \(percent(model.lossInGood)))"
    }
  }
}

extension Fault.Delay {
  fileprivate var words: String {
    var text = Duration.nanoseconds(baseNanoseconds).text
    if jitterNanoseconds > 0 {
      text += " ± \(Duration.nanoseconds(jitterNanoseconds).text) (\(distribution.word)\(correlated(correlation)))"
      if !keepsOrder { text += ", order not kept" }
    }
    if let slots {
      text +=
        ", in bunches \(Duration.nanoseconds(slots.minimumNanoseconds).text) to "
        + "\(Duration.nanoseconds(slots.maximumNanoseconds).text) apart"
    }
    return text
  }
}

extension Fault.Distribution {
  fileprivate var word: String {
    switch self {
    case .uniform: "uniform"
    case .normal: "normal"
    case .pareto: "pareto"
    case .paretonormal: "paretonormal"
    case .table(let values): "table of \(values.count)"
    }
  }
}

extension Fault.Chance {
  fileprivate var words: String { percent(probability) + correlated(correlation) }
}

extension Fault.Rate {
  /// `125000 bytes/s, burst 3028 bytes, queue 65536 bytes`
  var words: String { "\(bytesPerSecond) bytes/s, burst \(burst) bytes, queue \(queue) bytes" }
}
