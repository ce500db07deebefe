import Foundation
import Guards
import Support
import TestSupport

func home(_ name: String) -> String? {
  ProcessInfo.processInfo.environment[name].flatMap { $0.isEmpty ? nil : $0 }
}

let java = "/usr/bin/java"

/// Runs a program to its end; its output is in `log`.
func run(_ arguments: [String], log: String) async throws {
  var request = ProcessRequest(java, arguments)
  request.logPath = log
  let process = try ChildProcess(request)
  let end = try await withDeadline(.seconds(120), "java") { await process.wait() }
  guard end == .exited(0) else {
    _ = try await process.terminate(Signal.kill)
    throw Problem(.fail, at: log, "java \(String(describing: end)): \(text(log).suffix(2000))")
  }
}

/// Runs a server while `body` runs, which begins when `port` answers.
func withServer(_ arguments: [String], log: String, port: UInt16, _ body: () async throws -> Void) async throws {
  var request = ProcessRequest(java, arguments)
  request.logPath = log
  let process = try ChildProcess(request)
  let outcome: Result<Void, any Error>
  do {
    try await withDeadline(.seconds(90), "start of the server, see \(text(log).suffix(1000))") {
      while !answers(port) {
        if let end = process.end { throw Problem(.fail, "the server \(end): \(text(log).suffix(2000))") }
        try await Task.sleep(for: .milliseconds(100))  // nothing tells of a port that opens
      }
    }
    outcome = .success(try await body())
  } catch { outcome = .failure(error) }
  try await process.terminate(Signal.kill)
  try outcome.get()
}

func answers(_ port: UInt16) -> Bool { (try? Wire(port: port)) != nil }

func text(_ path: String) -> String { String(decoding: (try? readFile(path)) ?? [], as: UTF8.self) }

func withGuardTasks(
  _ source: StagedSource, _ directory: String,
  _ start: (TokenAuthority) async throws -> @Sendable () async throws -> Void,
  _ body: () async throws -> Void
) async throws {
  try await withAuthority(source, directory) { authority in
    let run = try await start(authority)
    let running = Task { try? await run() }
    let outcome: Result<Void, any Error>
    do { outcome = .success(try await body()) } catch { outcome = .failure(error) }
    running.cancel()
    await running.value
    try outcome.get()
  }
}
