import Support
import TestSupport
import Testing

@testable import Stacks

/// Whether this machine has a Kafka to start; the reason is shown when a suite is skipped.
enum KafkaServers {
  static let available = environmentVariable("KAFKA_HOME").map { !$0.isEmpty } ?? false
  static let reason: Comment = "KAFKA_HOME names no Kafka distribution, so nothing was tried against real brokers"
}

/// One real broker for all tests of a suite: starting it takes seconds. Each test has topics of its own.
struct SharedBroker: SuiteTrait, TestScoping {
  struct Running: Sendable {
    var properties: KafkaProperties
    var process: ChildProcess
    var log: String
  }

  @TaskLocal static var running: Running?

  func provideScope(
    for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
  ) async throws {
    guard KafkaServers.available else { return try await function() }
    try await Servers.withDirectory { directory, undo in
      let ports = (broker: try freePort(), controller: try freePort(), worker: try freePort())
      let template = try await KafkaTemplate.prepare(
        in: Servers.cache, try await JavaRuntime.locate(), try KafkaDistribution.locate(),
        at: KafkaTemplate.Place(address: "127.0.0.1", networkNamespace: nil, ports: ports))
      var request = try template.broker(
        KafkaBrokerSettings(
          address: "127.0.0.1", port: ports.broker, controllerPort: ports.controller, dataDirectory: "\(directory)/data"
        ),
        in: directory)
      let log = "\(directory)/broker.log"
      request.logPath = log
      let process = try ChildProcess(request)
      undo.push(UndoStep("broker") { try await process.terminate(Signal.kill) })
      let properties = KafkaProperties(bootstrap: ["127.0.0.1:\(ports.broker)"])
      let admin = try await KafkaAdmin(properties, name: "ready", limit: .seconds(1))
      try await eventually("a broker\n\(logTail(log))", within: .seconds(60)) {
        do { return try await !admin.metadata().brokers.isEmpty } catch is KafkaFailure { return false }
      }
      await admin.close()
      try await Self.$running.withValue(Running(properties: properties, process: process, log: log)) {
        try await function()
      }
    }
  }
}
