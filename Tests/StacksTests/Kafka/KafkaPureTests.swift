import Support
import TestSupport
import Testing

@testable import Stacks

struct KafkaPropertyTests {
  @Test func secretsStandOnlyAsReferences() throws {
    let plain = KafkaProperties(bootstrap: ["b:1"], ["sasl.password": .text("hunter2")])
    #expect(throws: Problem.self) { try plain.resolved() }
    var byName = KafkaProperties(bootstrap: ["b:1", "b:2"], ["sasl.password": .environment("BS_TEST_PASSWORD")])
    #expect(throws: Problem.self) { try byName.resolved { _ in nil } }
    let resolved = try byName.resolved { $0 == "BS_TEST_PASSWORD" ? "hunter2" : nil }
    #expect(resolved.map(\.name) == ["bootstrap.servers", "sasl.password"])
    #expect(resolved.map(\.value) == ["b:1,b:2", "hunter2"])
    #expect(!String(decoding: try encodeJSON(byName), as: UTF8.self).contains("hunter2"))
    byName.values["sasl.password"] = .file("/nowhere/at/all")
    #expect(throws: Problem.self) { try byName.resolved() }
    #expect(throws: Problem.self) { try KafkaProperties(bootstrap: []).resolved() }
  }

  @Test func aNameWithoutProofIsNoSecretAndAnythingMoreIs() throws {
    let named = KafkaProperties(bootstrap: ["b:1"]).with(unsecuredName: "orders-7")
    #expect(try named.resolved().contains { $0.name == "sasl.oauthbearer.config" && $0.value == "principal=orders-7" })
    #expect(named.principal == "User:orders-7")
    let more = named.with("sasl.oauthbearer.config", "principal=a secret=hunter2")
    #expect(throws: Problem.self) { try more.resolved() }
    #expect(throws: Problem.self) { try named.with("sasl.oauthbearer.config", "hunter2").resolved() }
  }

  @Test func aBrokerTakesNamesOnlyWhereItIsTold() {
    let plain = KafkaBrokerSettings(address: "10.91.1.1", dataDirectory: "/d")
    #expect(!plain.configurationText.contains("NAMED://") && !plain.configurationText.contains("allow.everyone"))
    let named = KafkaBrokerSettings(address: "10.91.1.1", namedPort: 9094, dataDirectory: "/d")
    #expect(named.configurationText.contains("9093,NAMED://10.91.1.1:9094\n"))
    let guarded = KafkaBrokerSettings(
      address: "10.91.1.1", port: 19092, advertisedPort: 9092, innerPort: 19094, namedPort: 19095,
      advertisedNamedPort: 9094, dataDirectory: "/data"
    ).configurationText
    #expect(guarded.contains(",INNER://127.0.0.1:19094,NAMED://127.0.0.1:19095\n"))
    #expect(
      guarded.contains("advertised.listeners=PLAINTEXT://10.91.1.1:9092,INNER://127.0.0.1:19094,NAMED://10.91.1.1:9094")
    )
    #expect(named.configurationText.contains("listener.name.named.sasl.enabled.mechanisms=OAUTHBEARER\n"))
  }

  @Test func aSecretsFileMayEndWithALineEnd() async throws {
    try await withTemporaryDirectory("kafka", remove: { try removeTree($0) }) { directory in
      try writeFile("\(directory)/secret", Array("two words\r\n".utf8))
      let properties = KafkaProperties(bootstrap: ["b:1"], ["ssl.key.password": .file("\(directory)/secret")])
      #expect(try properties.resolved().last?.value == "two words")
    }
  }
}

struct KafkaInstallationTests {
  @Test(arguments: [
    ("openjdk version \"17.0.21.1\" 2026-11-17", 17), ("java version \"1.8.0_402\"", 8),
    ("openjdk version \"21\" 2023", 21),
    ("openjdk version \"22-ea\" 2024", 22), ("no version here", nil), ("", nil),
  ])
  func theReleaseOfJavaIsRead(text: String, release: Int?) {
    #expect(JavaRuntime.release(in: text) == release)
  }

  @Test func noJavaAndNoKafkaAreSaid() async throws {
    let noJava = await #expect(throws: Problem.self) { try await JavaRuntime.locate { _ in "/nowhere" } }
    #expect(noJava?.code == .usage)
    #expect(throws: Problem.self) { try KafkaDistribution.locate { _ in nil } }
    #expect(throws: Problem.self) { try KafkaDistribution(home: "relative/path") }
    #expect(throws: Problem.self) { try KafkaDistribution(home: "/nowhere") }
  }

  private func withHome(
    version: String, without missing: Set<String> = [], _ body: (String) async throws -> Void
  ) async throws {
    try await withTemporaryDirectory("kafka", remove: { try removeTree($0) }) { home in
      try makeDirectory("\(home)/libs")
      for jar in KafkaDistribution.needed where !missing.contains(jar) {
        let own = jar.hasPrefix("kafka") || jar.hasPrefix("connect") ? version : "1.0"
        try writeFile("\(home)/libs/\(jar)-\(own).jar", [])
      }
      try await body(home)
    }
  }

  @Test func missingJarsAreNamed() async throws {
    try await withHome(version: "4.3.1", without: ["connect-mirror", "snappy-java"]) { home in
      // `connect-mirror-client` is there, and is not taken for `connect-mirror`.
      let problem = #expect(throws: Problem.self) { try KafkaDistribution(home: home) }
      #expect(problem?.what == "2 jars are missing: connect-mirror-*.jar, snappy-java-*.jar")
    }
  }

  @Test func anOldKafkaIsRefusedAndANewOneIsNot() async throws {
    try await withHome(version: "3.9.1") { home in
      let problem = #expect(throws: Problem.self) { try KafkaDistribution(home: home) }
      #expect(problem?.what == "this is Kafka 3.9.1, and the lab needs 4.0 or newer")
    }
    try await withHome(version: "4.3.1") { home in
      let kafka = try KafkaDistribution(home: "\(home)/")
      #expect(kafka.version == "4.3.1" && kafka.home == home)
      let java = JavaRuntime(program: "/usr/bin/java", release: 17, build: "17.0.1")
      let key = try KafkaTemplate.key(java, kafka)
      #expect(try KafkaTemplate.key(java, kafka) == key)
      // A class archive of another build of Java, or of another jar, is another one.
      #expect(try KafkaTemplate.key(JavaRuntime(program: "/usr/bin/java", release: 17, build: "17.0.2"), kafka) != key)
      try writeFile(kafka.jars[0], [1])
      #expect(try KafkaTemplate.key(java, kafka) != key)
    }
  }

  @Test func identitiesAreWhatKafkaTakes() {
    for _ in 0..<200 {
      let id = KafkaTemplate.newID()
      #expect(id.count == 22 && !id.hasPrefix("-"))
      #expect("AQgw".contains(id.last ?? "?"))  // the last digit has two bits
    }
  }
}
