import Foundation
import Guards
import Support
import TestSupport
import Testing

@Suite(.serialized) struct RealServerTests {
  /// Kafka's own admin client through the guard, before a real broker: every call is refused as a cluster authorisation failure
  /// without the token and with a stale one; with it nothing is. Reads pass.
  @Test(.enabled(if: home("KAFKA_HOME") != nil, "KAFKA_HOME is not set"))
  func kafkasOwnClientUnderstandsTheRefusals() async throws {
    let classPath = "\(home("KAFKA_HOME") ?? "")/libs/*"
    let client = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Clients/Administer.java").path()
    try await inTemporaryDirectory { directory in
      let (port, controller) = (try freePort(), try freePort())
      let source = StagedSource(7)
      let light = ["-Xms64m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", classPath]
      try await withGuardTasks(source, "\(directory)/guard") { authority in
        let proxy = try await AdminGuard(
          routes: [
            AdminRoute(listen: Endpoint(host: "127.0.0.1", port: 0), broker: Endpoint(host: "127.0.0.1", port: port))
          ],
          authority: authority, report: { _ in })
        let guarded = proxy.routes[0].listen.port
        let configuration = """
          process.roles=broker,controller
          node.id=1
          controller.quorum.voters=1@127.0.0.1:\(controller)
          listeners=PLAINTEXT://127.0.0.1:\(port),CONTROLLER://127.0.0.1:\(controller)
          advertised.listeners=PLAINTEXT://127.0.0.1:\(guarded)
          controller.listener.names=CONTROLLER
          log.dirs=\(directory)/data
          offsets.topic.replication.factor=1
          transaction.state.log.replication.factor=1
          transaction.state.log.min.isr=1
          auto.create.topics.enable=false
          authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
          super.users=User:ANONYMOUS

          """
        try writeFile("\(directory)/port", Array("\(guarded)".utf8))
        try writeFile("\(directory)/broker.properties", Array(configuration.utf8))
        return { try await proxy.run() }
      } _: {
        let guarded = text("\(directory)/port")
        try await run(
          light + [
            "kafka.tools.StorageTool", "format", "-t", "MkU3OEVBNTcwNTJENDM2Qk", "-c", "\(directory)/broker.properties",
          ],
          log: "\(directory)/format.log")
        try await withServer(
          light + ["kafka.Kafka", "\(directory)/broker.properties"], log: "\(directory)/broker.log", port: port
        ) {
          func administer(_ id: String, _ topic: String) async throws -> [String: String] {
            let log = "\(directory)/\(topic).log"
            try await run(light + [client, "127.0.0.1:\(guarded)", id, topic], log: log)
            let pairs = text(log).split(separator: "\n").map { $0.split(separator: " ") }.filter { $0.count == 2 }
            return Dictionary(pairs.map { (String($0[0]), String($0[1])) }, uniquingKeysWith: { $1 })
          }
          let reads: Set = ["describeCluster", "listTopics"]
          for (id, topic) in [("plain", "none"), ("tool;token=6", "stale")] {
            let outcomes = try await administer(id, topic)
            #expect(outcomes.count == 17)
            for (call, outcome) in outcomes {
              #expect(outcome == (reads.contains(call) ? "ok" : "ClusterAuthorizationException"), "\(id): \(call)")
            }
          }
          let outcomes = try await administer("tool;token=7", "current")
          #expect(outcomes["createTopics"] == "ok" && outcomes["deleteTopics"] == "ok", "\(outcomes)")
          #expect(outcomes["createPartitions"] == "ok" && outcomes["createAcls"] == "ok", "\(outcomes)")
          #expect(!outcomes.values.contains("ClusterAuthorizationException"), "\(outcomes)")
        }
      }
      let (decisions, _) = try GuardDecision.read("\(directory)/guard/decisions.jsonl")
      #expect(Set(decisions.filter { !$0.isAllowed }.map(\.rule)) == [.noToken, .staleToken])
      #expect(decisions.contains { $0.isAllowed && $0.asked.hasPrefix("CreateTopics") })
    }
  }

  /// A real registry behind the guard: its own 409 (incompatible schema) and the guard's are told apart by the body.
  @Test(.enabled(if: home("REGISTRY_HOME") != nil, "REGISTRY_HOME is not set"))
  func aRealRegistryTakesWritesOnlyThroughTheToken() async throws {
    let directory = home("REGISTRY_HOME") ?? ""
    let jar = try #require(try listDirectory(directory).first { $0.hasSuffix("-runner.jar") })
    try await inTemporaryDirectory { temporary in
      let port = try freePort()
      let source = StagedSource(7)
      let server = [
        "-Xms64m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dquarkus.http.host=127.0.0.1",
        "-Dquarkus.http.port=\(port)", "-Dapicurio.storage.kind=sql", "-Dapicurio.storage.sql.kind=h2",
        "-Dapicurio.datasource.url=jdbc:h2:mem:guards", "-jar", "\(directory)/\(jar)",
      ]
      try await withServer(server, log: "\(temporary)/registry.log", port: port) {
        try await withGuardTasks(source, "\(temporary)/guard") { authority in
          let proxy = try await RegistryGuard(
            RegistrySettings(
              listen: Endpoint(host: "127.0.0.1", port: 0), upstream: Endpoint(host: "127.0.0.1", port: port)),
            authority: authority, report: { _ in })
          try writeFile("\(temporary)/port", Array("\(proxy.endpoint.port)".utf8))
          return { try await proxy.run() }
        } _: {
          let guarded = try #require(UInt16(text("\(temporary)/port")))
          try await onOwnThread("client") {
            let wire = try Wire(port: guarded)
            let base = "/apis/ccompat/v7"
            let type = "Content-Type: application/vnd.schemaregistry.v1+json\r\n"
            let token = "X-Fencing-Token: 7\r\n" + type
            func schema(_ fields: String) -> String {
              #"{"schema":"{\"type\":\"record\",\"name\":\"a\",\"fields\":[\#(fields)]}"}"#
            }
            let first = schema(#"{\"name\":\"x\",\"type\":\"int\"}"#)
            let incompatible = schema(#"{\"name\":\"x\",\"type\":\"int\"},{\"name\":\"y\",\"type\":\"int\"}"#)
            #expect(try wire.ask("POST", "\(base)/subjects/a/versions", type, body: first).body.contains("no-token"))
            #expect(try wire.ask("GET", "\(base)/subjects").body == "[]")
            let made = try wire.ask("POST", "\(base)/subjects/a/versions", token, body: first)
            #expect(made.status == 200 && made.body.contains("\"id\""))
            #expect(try wire.ask("GET", "\(base)/subjects").body == #"["a"]"#)
            #expect(try wire.ask("POST", "\(base)/subjects/a", type, body: first).status == 200)
            #expect(
              try wire.ask("PUT", "\(base)/config/a", token, body: #"{"compatibility":"BACKWARD"}"#).status == 200)
            let asked = try wire.ask(
              "POST", "\(base)/compatibility/subjects/a/versions/latest", type, body: incompatible)
            #expect(asked.status == 200 && asked.body.contains("false"))
            let refused = try wire.ask("POST", "\(base)/subjects/a/versions", token, body: incompatible)
            #expect(refused.status == 409 && !refused.body.contains("\"rule\""))
            let stale = try wire.ask("DELETE", "\(base)/subjects/a", "X-Fencing-Token: 6\r\n")
            #expect(stale.status == 409 && stale.body.contains("\"rule\":\"stale-token\""))
            #expect(try wire.ask("GET", "\(base)/mode").body.contains("READWRITE"))
            #expect(try wire.ask("PUT", "\(base)/mode", token, body: #"{"mode":"READONLY"}"#).status == 200)
            #expect(try wire.ask("DELETE", "\(base)/subjects/a", token).body.contains("\"rule\":\"frozen\""))
            #expect(try wire.ask("PUT", "\(base)/mode", token, body: #"{"mode":"READWRITE"}"#).status == 200)
            #expect(try wire.ask("DELETE", "\(base)/subjects/a", token).status == 200)
          }
        }
      }
    }
  }
}
