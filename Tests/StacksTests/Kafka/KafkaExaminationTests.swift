import Support
import Testing

@testable import Stacks

/// What is decided about a broker, without one.
struct KafkaExaminationTests {
  /// The example of RFC 7677, section 3, with its nonce.
  @Test func scramIsThatOfTheStandard() throws {
    var client = ScramClient(.sha256, name: "user", password: "pencil", nonce: "rOprNGfwEbeRWgbNEkqO")
    #expect(String(decoding: client.first, as: UTF8.self) == "n,,n=user,r=rOprNGfwEbeRWgbNEkqO")
    let server = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
    let final = try client.final(to: Array(server.utf8))
    #expect(
      String(decoding: final, as: UTF8.self)
        == "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")
    try client.verify(Array("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=".utf8))
    #expect(throws: ScramClient.Mistake.serverUnproven) {
      try client.verify(Array("v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=".utf8))
    }
    #expect(throws: ScramClient.Mistake.refused("invalid-proof")) { try client.verify(Array("e=invalid-proof".utf8)) }
  }

  @Test func aServerThatTakesNoPartOfTheNonceIsRefused() {
    for server in ["r=other,s=W22Z,i=4096", "r=abc,s=W22Z,i=4096", "r=abcd,s=W22Z,i=0", "r=abcd,i=1", ""] {
      var client = ScramClient(.sha512, name: "a,b=c", password: "p", nonce: "abc")
      #expect(throws: ScramClient.Mistake.self, "\(server)") { _ = try client.final(to: Array(server.utf8)) }
    }
    let odd = ScramClient(.sha512, name: "a,b=c", password: "p", nonce: "abc")
    #expect(String(decoding: odd.first, as: UTF8.self) == "n,,n=a=2Cb=3Dc,r=abc")
  }

  /// A Kafka is judged feature by feature, by what it answers and not by its version.
  @Test func whatABrokerLacksIsNamedByFeature() throws {
    // Of Kafka 4.3, as a broker tells it (its message schemas).
    let new: [Int16: ClosedRange<Int16>] = [
      0: 3...13, 1: 4...18, 2: 1...11, 3: 0...13, 8: 2...10, 9: 1...10, 10: 0...6, 15: 0...6, 16: 0...5, 19: 2...7,
      20: 1...6, 22: 0...6, 24: 0...5, 26: 0...5, 28: 0...5, 32: 1...4, 42: 0...2,
    ]
    #expect(KafkaFeature.all.allSatisfy { $0.lack(in: new) == nil })
    func lacks(_ change: (inout [Int16: ClosedRange<Int16>]) -> Void) -> [String] {
      var offered = new
      change(&offered)
      return KafkaFeature.all.compactMap { feature in feature.lack(in: offered).map { "\(feature.name): \($0.text)" } }
    }
    let tooOld = lacks {
      $0[0] = 0...2
      $0[22] = nil
    }
    #expect(tooOld.count == 2)
    #expect(tooOld[0].contains("records with headers: it answers Produce up to version 2, and 3 is needed"))
    #expect(tooOld[1].contains("transactional producers: it does not answer InitProducerId at all"))
    let tooNew = lacks { $0[9] = 8...12 }
    #expect(tooNew.count == 1)
    #expect(tooNew[0].contains("from version 8 on, and this client speaks up to 7: this Kafka is too new"))
    #expect(
      lacks { $0[3] = 0...11 } == [
        "topics' ids, which tell one that was made anew: it answers Metadata up to version 11, and 12 is needed: this Kafka is too old"
      ])
  }

  @Test func unknownPropertiesAreNamedWithWhatWasMeant() {
    let properties = KafkaProperties(
      bootstrap: ["b:1"],
      [
        "security.protocl": .text("ssl"), "ssl.truststore.location": .text("/x"), "sasl.mechanism": .text("PLAIN"),
        "ssl.ca.location": .text("/y"), "acks": .text("all"), "no.such.thing.at.all": .text("1"),
        "sasl.password": .environment("X"),
      ])
    #expect(
      properties.unknown() == [
        .init(name: "no.such.thing.at.all", near: nil),
        .init(name: "security.protocl", near: "security.protocol"),
        .init(name: "ssl.truststore.location", near: "ssl.ca.location"),
      ])
  }
}
