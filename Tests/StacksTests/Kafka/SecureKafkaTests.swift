import Glibc
import Support
import TestBrokers
import Testing

@testable import Stacks

/// Clients that have to prove who they are, at a real broker with an authorizer, over TLS.
@Suite(.enabled(if: SecureBroker.available, Comment(rawValue: SecureBroker.reason)), .serialized)
struct SecureKafkaTests {
  /// What a client hears that only wants to look at the cluster.
  private func outcome(_ properties: KafkaProperties) async -> String {
    do {
      let admin = try await KafkaAdmin(properties, name: "secure", limit: .seconds(4))
      let heard: String
      do throws(KafkaFailure) {
        _ = try await admin.metadata()
        heard = "let in"
      } catch {
        heard = "\(error.problem(.steadyState, at: "there", principal: properties.principal))"
      }
      await admin.close()
      return heard
    } catch { return "\(error)" }
  }

  /// What the examiner says.
  private func examined(_ properties: KafkaProperties, _ needs: KafkaNeeds = KafkaNeeds()) async -> String {
    do {
      let examination = try await KafkaExaminer(properties).examine(properties.bootstrap[0], needs)
      return "let in, lacks \(examination.missing.map(\.description))"
    } catch { return "\(error)" }
  }

  @Test func clientsAreLetInOrToldWhyNot() async throws {
    setenv("BLACKSTART_TEST_KAFKA", SecureBroker.password, 1)
    defer { unsetenv("BLACKSTART_TEST_KAFKA") }
    try await SecureBroker.with { broker in
      let directory = broker.certificates.directory
      try writeFile("\(directory)/password", Array("\(SecureBroker.password)\n".utf8))
      try writeFile("\(directory)/wrong", Array("\(SecureBroker.wrongPassword)\n".utf8))
      let right = KafkaPropertyValue.file("\(directory)/password")
      var heard: [String] = []
      func hear(_ properties: KafkaProperties) async -> [String] {
        let both = [await outcome(properties), await examined(properties)]
        heard += both
        return both
      }

      for password in [right, .environment("BLACKSTART_TEST_KAFKA")] {
        for text in await hear(broker.client("drill", password: password)) {
          #expect(text.hasPrefix("let in"), "\(text)")
        }
      }
      // What was told to the cluster comes to the broker in its own time.
      try await eventually("the password for SCRAM") {
        await examined(broker.client("weak", password: right, mechanism: "SCRAM-SHA-512")).hasPrefix("let in")
      }
      // A client of librdkafka before 2.6.1 repeats its own nonce, which Kafka 4 refuses (confluentinc/librdkafka#4895); the broker
      // itself believes us.
      let scram = await hear(broker.client("weak", password: right, mechanism: "SCRAM-SHA-512"))
      #expect(scram[0].hasPrefix("let in") || scram[0].contains("SCRAM-SHA-512"), "\(scram[0])")
      #expect(scram[1].hasPrefix("let in"), "\(scram[1])")
      // A wrong password is said to be one, and not that nobody answers.
      for mechanism in ["PLAIN", "SCRAM-SHA-512"] {
        for text in await hear(broker.client("weak", password: .file("\(directory)/wrong"), mechanism: mechanism)) {
          #expect(text.lowercased().contains("authentication failed"), "\(text)")
          #expect(text.contains("User:weak"), "\(text)")
          #expect(!text.contains("bootstrap addresses"), "\(text)")
        }
      }
      for text in await hear(broker.client("drill", password: right, mechanism: "SCRAM-SHA-256")) {
        #expect(text.contains("PLAIN") && text.contains("SCRAM-SHA-512"), "what it takes is said: \(text)")
      }
      var untrusting = broker.client("drill", password: right)
      untrusting.values["ssl.ca.location"] = .text(broker.certificates.otherAuthority)
      for text in await hear(untrusting) { #expect(text.contains("ssl.ca.location"), "\(text)") }
      for text in await hear(broker.client("drill", password: right, at: .expired)) {
        #expect(text.contains("expired") || text.contains("how long its certificate is valid"), "\(text)")
      }
      // The certificate is for the number, and not for the name.
      for text in await hear(broker.client("drill", password: right, host: "localhost")) {
        #expect(text.contains("name"), "\(text)")
      }
      var clear = broker.client("drill", password: right)
      clear.values["security.protocol"] = .text("sasl_plaintext")
      for text in await hear(clear) { #expect(!text.hasPrefix("let in"), "\(text)") }
      let missing = await hear(broker.client("drill", password: .environment("BLACKSTART_TEST_UNSET")))
      for text in missing { #expect(text.contains("BLACKSTART_TEST_UNSET"), "\(text)") }

      for text in heard {
        #expect(!text.contains(SecureBroker.password) && !text.contains(SecureBroker.wrongPassword), "\(text)")
      }
      #expect(heard.count == 22)
    }
  }

  @Test func missingRightsAreNamedWithWhatGrantsThem() async throws {
    setenv("BLACKSTART_TEST_KAFKA", SecureBroker.password, 1)
    defer { unsetenv("BLACKSTART_TEST_KAFKA") }
    try await SecureBroker.with { broker in
      let admin = try await KafkaAdmin(broker.administrator, name: "grants")
      try await admin.createTopics([KafkaTopicSpecification("orders", partitions: 2)])
      let client = broker.client("weak", password: .environment("BLACKSTART_TEST_KAFKA"))
      typealias Right = KafkaNeeds.Right
      let needs = KafkaNeeds(rights: [
        Right(.write, on: .topic("orders"), for: "writing"), Right(.read, on: .topic("orders"), for: "reading"),
        Right(.create, on: .cluster, for: "making"), Right(.read, on: .group("blackstart-"), for: "consuming"),
      ])
      let examiner = KafkaExaminer(client)
      let address = client.bootstrap[0]
      let none = try await examiner.examine(address, needs)
      #expect(
        none.missing.map(\.description) == [
          "CREATE on the cluster", "READ on topic orders", "WRITE on topic orders", "READ on group blackstart-",
        ])
      #expect(none.lacking.isEmpty, "\(none.lacking)")
      #expect(
        none.missing.last?.grant(to: client.principal ?? "")
          == "kafka-acls --add --allow-principal User:weak --operation READ --group blackstart- --resource-pattern-type prefixed"
      )

      try await admin.createACLs([
        KafkaACL(.topic, "orders", principal: "User:weak", .read),
        KafkaACL(.group, "blackstart-", isPrefix: true, principal: "User:weak", .read),
      ])
      try await eventually("the rules") {
        try await examiner.examine(address, needs).missing.map(\.description)
          == ["CREATE on the cluster", "WRITE on topic orders"]
      }
      // Writing all the same is refused with the right that is missing.
      let producer = try await KafkaProducer(client, name: "weak", deliveryLimit: .seconds(5))
      let delivery = await producer.send(KafkaRecord(topic: "orders", value: [1]))
      await producer.close()
      guard case .refused(let failure) = delivery else { return #expect(Bool(false), "\(delivery)") }
      let text = "\(failure.problem(.steadyState, at: address, principal: client.principal))"
      #expect(text.contains("grant User:weak") && text.contains("WRITE"), "\(text)")
      #expect(try await examiner.topicIDs(["orders"])?.keys.sorted() == ["orders"])
      await admin.close()
    }
  }
}
