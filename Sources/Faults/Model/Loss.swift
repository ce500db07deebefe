extension Fault {
  /// Which packets are lost.
  ///
  /// Packets are numbered as the rule meets them, each family and direction by itself. Where offloads bundle segments, one
  /// packet is one bundle of up to 64 KiB.
  public enum Loss: Sendable, Hashable, Codable {
    /// Each with this probability, 0…1 in steps of 2⁻³², drawn by the kernel; never the same twice.
    ///
    /// With a correlation it is drawn by us instead, as ``pattern(probability:correlation:)``.
    case random(probability: Double, correlation: Double = 0)
    /// In bursts, by the model of Gilbert and Elliott, drawn by us from the fault's seed.
    case bursts(GilbertElliott)
    /// Every n-th.
    case everyNth(Int)
    /// Exactly this share of 65,536 packets, the same ones in each run with the same seed; then over again.
    ///
    /// With a correlation c, a packet after a lost one is lost with p + c(1 − p), one after another with p(1 − c): the share
    /// stays p, and neighbours correlate by c. (netem's own correlation changes the share.)
    case pattern(probability: Double, correlation: Double = 0)

    /// How many packets a drawn pattern lasts before it repeats.
    public static let patternLength: UInt32 = 65_536
  }

  /// The two-state model of bursts (Gilbert 1960, Elliott 1963), with the letters that netem uses.
  public struct GilbertElliott: Sendable, Hashable, Codable {
    /// p: probability to go from the good to the bad state, with each packet.
    public var toBad: Double
    /// r: probability to go back from the bad to the good state, with each packet.
    public var toGood: Double
    /// 1 − h: probability of loss in the bad state.
    public var lossInBad: Double
    /// 1 − k: probability of loss in the good state.
    public var lossInGood: Double

    /// Bursts of mean length 1/`toGood` packets; the plain Gilbert model unless losses are given.
    public init(toBad: Double, toGood: Double, lossInBad: Double = 1, lossInGood: Double = 0) {
      self.toBad = toBad
      self.toGood = toGood
      self.lossInBad = lossInBad
      self.lossInGood = lossInGood
    }

    /// The share of packets lost in the long run.
    public var meanLoss: Double {
      guard toBad + toGood > 0 else { return lossInGood }
      let bad = toBad / (toBad + toGood)
      return bad * lossInBad + (1 - bad) * lossInGood
    }
  }
}
