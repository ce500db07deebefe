import Glibc
import Scenarios
import Support
import Testing

/// The published schema and the readers know the same keys.
@Suite struct SchemaTests {
  /// A scenario in which every mapping of the language stands with all the keys that go together.
  private static let whole = scenario([
    ("description: A drill.", "description: A drill"),
    (
      "abort:\n",
      """
      permittedAnomalies:
        - { anomaly: lease-overlap, because: pauses }
      abort:

      """
    ),
    (
      "seed: 7",
      """
      seed: 7
      variables:
        hold: { type: duration, default: 40s }
      secrets:
        token: { env: TOKEN }
        key: { file: /run/key }
      """
    ),
    ("store: eu }", "store: eu, resume: checkpoint }"),
    ("normal: east, failover: eu", "normal: east, failover: eu, operation: eu, failback: east"),
    (
      "  for: 5s\n",
      """
        for: 5s
        continuously: [{ metric: mirror-lag, max: 50s, for: 50s }, { probe: api, for: 50s }]
        after: { within: 30s, expect: [{ metric: write-rate, min: 1/s, max: 900/s }, { metric: leader, isNot: ap }] }

      """
    ),
    (
      "    - { id: blackout, at: 0s, fault: partition, region: east, from: all, for: 40s }".replacing(
        "    -", with: "  -"),
      """
        - { id: blackout, at: 0s, fault: partition, region: east, from: all, for: 40s, direction: both, answer: silence }
        - { id: far, at: 0s, fault: partition, region: east, nodes: [east], from: { regions: all, roles: [store], nodes: [ap], addresses: [10.9.0.1], networks: [10.8.0.0/16], names: [db.example.org] }, only: { role: store }, for: 4s }
        - { id: own, at: 0s, fault: partition, region: east, from: { networks: ['::/0'] }, direction: out, only: { protocol: tcp, eitherPorts: [5432], cgroup: /kafka.slice, user: postgres, except: { addresses: ['fd00::9'], networks: [10.8.0.0/16] } }, for: 4s }
        - id: slow
          after: { fault: blackout, state: ended, delay: 1s }
          until: { metric: token, min: 2, stable: 1s }
          longest: 5s
          fault: network
          region: east
          from: [eu]
          only: { protocol: tcp, ports: [5432], peerPorts: [1-9], except: { ports: [22], peerPorts: [22] } }
          flapping: { on: 1s, off: 1s }
          in: { loss: { random: 1%, correlation: 5% }, delay: 5ms, jitter: 1ms, distribution: normal, correlation: 5%, reorder: 1% }
          out: { loss: { bursts: { enter: 1%, leave: 20%, inside: 90%, outside: 1% } }, duplicate: 1%, corrupt: 1%, rate: 1mbit/s, burst: 9KB, queue: 1MB }
          both: { loss: { every: 5 } }
        - { id: broken, after: { step: pause, delay: 1s }, fault: kill-connections, region: east, from: [eu], until: healed, longest: 1s }
        - { id: seq, when: { step: promote, state: done }, within: 60s, gap: 1s, sequence: [{ id: s1, at: 0s, fault: network, region: east, from: [eu], both: { loss: { exact: 1% } }, for: 1s }] }
        - { id: par, at: 80s, parallel: [{ id: p1, fault: network, region: east, from: [eu], both: { loss: 1% }, for: 1s }] }
        - { id: rep, at: 90s, times: 2, every: 5s, jitter: 1s, repeat: [{ id: r, fault: network, region: east, from: [eu], both: { loss: 1% }, for: 1s }] }
        - { id: swz, at: 110s, swizzle: { links: [[east, ap]], cutEvery: 1s, hold: 1s, healEvery: 1s } }
        - { id: ramp, at: 120s, ramp: { region: east, from: [eu], only: { protocol: udp }, direction: both, start: { loss: 1% }, end: { loss: 9% }, over: 4s, steps: 2, hold: 1s } }
      """
    ),
    (
      "recovery:",
      """
      probes:
        api:
          region: ap
          every: 1s
          timeout: 1s
          http: { method: GET, url: 'http://h/', headers: { X-Key: '${secret:token}' }, body: x }
          expect: { status: [200], text: ok, contains: o }
        port: { tcp: { host: eu, port: 5432 } }
        db: { sql: { store: eu, query: select 1 }, expect: { min: 1, max: 1, text: '1', contains: '1' } }
        tool: { command: { argv: [/bin/true], region: eu }, expect: { exit: 0, text: x, contains: x, min: 0, max: 1 } }
        lag: { metric: { metric: mirror-lag, max: 5s } }
        prom: { prometheus: { url: 'http://h:9090', query: up }, expect: { min: 1, max: 1 } }
      runbook:
        when: { metric: write-error-rate, min: 50%, stable: 1s }
        within: 60s
        onFailure: undo
        steps:
          - id: pause
            decides: { role: commander }
            after: []
            precondition: { fault: blackout, state: begun, eventually: 1s }
            do: { pause-mirror: { from: east, to: eu } }
            verify: { metric: mirror-backlog, min: 0, max: 9999999, always: 1s }
            undo: { resume-mirror: { from: east, to: eu } }
            timeout: 5s
            retries: { times: 1, every: 1s }
            gate: { metric: leader, isNot: ap, never: 1s }
          - { id: promote, decides: { person: alice }, do: { promote: { region: eu } }, undo: { demote: { region: eu } }, verify: { metric: leader, is: eu }, timeout: 5s }
          - { id: repoint, do: { repoint-producers: { to: eu, names: [p1] } }, verify: { metric: write-rate, min: 1/s }, undo: { repoint-producers: { to: east } }, timeout: 5s }
          - { id: export, do: { export-offsets: { region: eu, snapshot: s, names: [c1] } }, timeout: 5s }
          - { id: parity, do: { verify-parity: { regions: [east, eu] } }, timeout: 5s }
          - { id: run, do: { command: { argv: [/bin/true], region: eu } }, verify: { metric: events, min: 1 }, timeout: 5s }
          - { id: post, do: { http: { method: POST, url: 'http://h/', headers: { a: b }, body: x } }, verify: { probe: api }, timeout: 5s }
          - { id: ask, do: { approval: { by: alice, prompt: 'go?' } }, timeout: 5s }
          - { id: rest, do: { wait: { for: 1s } }, timeout: 5s }
      failback:
        steps:
          - { id: shift, do: { shift-traffic: { from: eu, to: east, stages: [10%, 100%], hold: 1s, gate: { metric: write-error-rate, max: 1%, min: 0% } } }, timeout: 5s }
          - { id: back, do: { transfer-leadership: { region: east } }, undo: { transfer-leadership: { region: eu } }, verify: { metric: leader, is: east }, timeout: 5s }
          - { id: sealed, do: { fence-region: { region: eu } }, verify: { metric: events, min: 1 }, timeout: 5s }
          - { id: still, do: { pause-consumers: { names: [c1] } }, undo: resume-consumers, verify: { metric: events, min: 1 }, timeout: 5s }
          - { id: import, do: { import-offsets: { region: east, snapshot: s, names: [c1] } }, verify: { metric: events, min: 1 }, precondition: { metric: mirror-backlog, max: 0 }, timeout: 5s }
          - { id: hush, do: { pause-producers: { names: [p1] } }, undo: resume-producers, verify: { metric: events, min: 1 }, timeout: 5s }
          - { id: clean, do: { reconcile: { regions: [east, eu] } }, verify: { metric: mirror-lag, max: 1s }, timeout: 5s }
      communications:
        - { id: t5, due: 5m, after: { fault: blackout }, audience: all, sink: { file: c.log }, text: 'Since ${fact:since}' }
        - { id: t6, due: 5m, after: { detection: blackout }, sink: { command: { argv: [/bin/cat], region: eu } }, text: x }
        - { id: t7, due: 5m, after: { step: pause }, sink: { webhook: { method: POST, url: 'http://h/', headers: { a: b }, body: x } }, text: x }
      recovery:
      """
    ),
    (
      "safety: { maxDuration: 5m, blastRadius: { regions: 1 } }",
      "safety: { maxDuration: 50m, blastRadius: { regions: 3, concurrent: 9, nodes: 9 }, protected: { nodes: [], ports: [22-23] }, accept: [failover-without-failback] }"
    ),
  ]).replacing("protected: { nodes: [], ports: [22-23] }, ", with: "protected: { nodes: [], ports: [] }, ")

  private static func root() throws -> JSONValue { try decodeJSON(JSONValue.self, from: scenarioSchema()) }

  @Test func theSchemaIsOne() throws {
    let schema = try Self.root()
    #expect(schema["$schema"]?.string == "https://json-schema.org/draft/2020-12/schema")
    let text = String(decoding: try scenarioSchema(), as: UTF8.self)
    let definitions = try #require(Self.members(schema["$defs"]))
    // Every reference leads somewhere, and every definition is used.
    var referred: Set<String> = []
    for part in text.split(separator: "\"#/$defs/").dropFirst() { referred.insert(String(part.prefix { $0 != "\"" })) }
    #expect(referred.subtracting(definitions.keys) == [])
    #expect(Set(definitions.keys).subtracting(referred) == [])
    #expect(try scenarioSchema() == scenarioSchema())
  }

  /// The whole scenario is read; so each of its keys is one of the reader's.
  @Test func theWholeLanguageIsRead() {
    #expect(!messages(Self.whole).contains("error:"), "\(messages(Self.whole))")
  }

  /// An unknown key is put into every mapping in turn. The reader then lists the keys that it knows there, and each of those must
  /// stand in the schema's mappings that have the keys of this one.
  @Test func everyKeyOfTheReaderStandsInTheSchema() throws {
    let known = Self.keys(of: try Self.root())
    let lines = Self.whole.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    var seen: Set<String> = []
    for (number, line) in lines.enumerated() {
      var places: [String.Index] = []
      var at = line.startIndex
      while let brace = line[at...].firstIndex(of: "{") {
        if brace == line.startIndex || line[line.index(before: brace)] != "$" {
          places.append(line.index(after: brace))
        }
        at = line.index(after: brace)
      }
      for place in places {
        var changed = lines
        changed[number].insert(contentsOf: " zzz: 1, ", at: place)
        seen.formUnion(Self.keysHere(changed.joined(separator: "\n")))
      }
    }
    #expect(seen.count > 90, "\(seen.count) keys were seen")
    #expect(seen.subtracting(known) == [])
  }

  /// The other way: no key of the schema is one that the reader does not know somewhere.
  @Test func everyKeyOfTheSchemaIsKnownToTheReader() throws {
    let text = Self.whole
    var unknown: [String] = []
    // Of the faults inside nodes, of mirrors of Kafka and of guards, whose readers have tests of their own; and of an inventory.
    let elsewhere: Set<String> = [
      "hosts", "inventory", "controllers", "agent", "include", "unit", "table", "cgroup", "pid", "descendants",
      "restart",
      "grace",
      "by", "answers", "answer", "late", "calls", "probability", "processor", "memory", "files",
      "operations", "error", "torn", "damage", "unsynced", "limit", "readBytes", "writeBytes", "reads", "writes",
      "action", "offset", "drift",
      "clocks", "monotonic", "boottime", "allowWholeNodeClock",
      "resume-producers", "resume-consumers", "delivery", "positionsEvery", "transactionTimeout", "guards",
      // Only of a stack with Kafka.
      "topic", "partitions", "retention",
      "stop-mirror", "mirror-status", "export-mirror-offsets", "set-mirror-offsets", "back", "reset-mirror-offsets",
      "confirm",
      "create-topics", "topic-drift", "topics", "replicas", "brokers", "configuration", "snapshot-access",
      "compare-access",
      "with", "principals", "principal", "grant-write", "revoke-write",
      "outbox", "rows", "repoint-outbox", "re-emit-outbox",
      "copies", "missing",
      "attach", "clusters", "bootstrap", "properties", "connect", "authorization", "ca", "statusTopic", "offsetsTopic",
      "registry", "mirrors", "runner", "worker", "policy", "separator",
    ]
    for key in Self.keys(of: try Self.root()).sorted() {
      if !elsewhere.contains(key), !text.contains("\(key):") { unknown.append(key) }
    }
    #expect(unknown == [])
  }

  /// A validator of somebody else, where there is one, reads the schema and finds the scenarios of the library valid.
  @Test func aValidatorOfPythonAgrees() async throws {
    let script = """
      import json, sys, yaml, jsonschema
      # As the reader has it: on and off are words and no truth values.
      class Loader(yaml.SafeLoader): pass
      Loader.yaml_implicit_resolvers = {
          first: [(tag, form) for tag, form in rules if not tag.endswith(":bool")]
          for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()}
      schema = json.load(open(sys.argv[1]))
      jsonschema.Draft202012Validator.check_schema(schema)
      validator = jsonschema.Draft202012Validator(schema)
      for path in sys.argv[2:]:
          errors = list(validator.iter_errors(yaml.load(open(path), Loader)))
          print("valid" if not errors else "wrong: " + str(errors[0].message)[:400])
      """
    let schema = scratch("schema.json")
    let whole = scratch("whole.yaml")
    let wrong = scratch("wrong.yaml")
    defer { for path in [schema, whole, wrong] { unlink(path) } }
    write(String(decoding: try scenarioSchema(), as: UTF8.self), to: schema)
    write(Self.whole, to: whole)
    write(goodScenario.replacing("lease: { ttl: 10s }", with: "lease: { tll: 10s }"), to: wrong)
    let folder = #filePath.split(separator: "/").dropLast(3).map { "/\($0)" }.joined() + "/scenarios"
    let library = try listDirectory(folder).filter { $0.hasSuffix(".yaml") }.sorted().map { "\(folder)/\($0)" }
    #expect(library.count >= 2)
    let output = scratch("python.txt")
    defer { unlink(output) }
    var request = ProcessRequest("/usr/bin/python3", ["-c", script, schema, whole, wrong] + library)
    request.logPath = output
    let end = try await ChildProcess(request).wait()
    let text = String(decoding: contents(of: output), as: UTF8.self)
    if text.contains("ModuleNotFoundError") {
      try Test.cancel("python3 lacks yaml or jsonschema (apt: python3-yaml, python3-jsonschema)")
    }
    #expect(end == .exited(0), "\(text)")
    let lines = text.split(separator: "\n").map(String.init)
    #expect(lines.count == library.count + 2)
    #expect(lines[0] == "valid")
    #expect(lines[1].hasPrefix("wrong:"))
    for (path, line) in zip(library, lines.dropFirst(2)) { #expect(line == "valid", "\(path)") }
  }

  /// The keys that the reader knows in the mapping that holds the unknown one.
  private static func keysHere(_ text: String) -> Set<String> {
    do throws(Problems) {
      _ = try parseScenario(Array(text.utf8), file: "drill.yaml")
      return []
    } catch {
      let fix = error.items.first { $0.what.contains("unknown key 'zzz'") }?.fix ?? ""
      return Set(fix.split(separator: "keys here: ").last?.split(separator: ", ").map(String.init) ?? [])
    }
  }

  private static func members(_ value: JSONValue?) -> [String: JSONValue]? {
    guard case .object(let members) = value else { return nil }
    return members
  }

  private static func keys(of schema: JSONValue) -> Set<String> {
    var found: Set<String> = []
    func walk(_ value: JSONValue) {
      switch value {
      case .object(let members):
        if let properties = Self.members(members["properties"]), members["type"]?.string == "object" {
          found.formUnion(properties.keys)
        }
        members.values.forEach(walk)
      case .array(let elements): elements.forEach(walk)
      default: break
      }
    }
    walk(schema)
    return found
  }
}
