extension AttachedKafka {
  static func read(_ value: Value) -> AttachedKafka? {
    value.fields { fields in
      let clusters = fields.required("clusters") { $0.dictionary(longest: 12, Cluster.read) }
      let mirrors = fields.required("mirrors") { $0.list(Mirror.read) }
      guard let clusters, let mirrors else { return nil }
      return AttachedKafka(clusters: clusters, mirrors: mirrors)
    }
  }
}

extension AttachedKafka.Cluster {
  static func read(name: String, _ value: Value) -> AttachedKafka.Cluster? {
    value.fields { fields in
      let bootstrap = fields.required("bootstrap") { $0.list { $0.brokerAddress() } }
      let properties = fields.optional("properties", or: []) { $0.clientProperties() }
      // Absent is nil; so is a wrong one, but then its mistake was noted and the scenario is refused.
      let connect = fields.value("connect").flatMap(AttachedKafka.Connect.read)
      let registry = fields.value("registry").flatMap { $0.serviceAddress() }
      guard let bootstrap, let properties else { return nil }
      if bootstrap.isEmpty {
        fields.mistake("'bootstrap' names no broker", fix: "such as bootstrap: [broker-1.example.org:9092]")
        return nil
      }
      return AttachedKafka.Cluster(
        name: name, bootstrap: bootstrap, properties: properties, connect: connect, registry: registry)
    }
  }
}

extension AttachedKafka.Connect {
  static func read(_ value: Value) -> AttachedKafka.Connect? {
    value.fields { fields in
      let url = fields.required("url") { $0.serviceAddress() }
      let authorization = fields.value("authorization").flatMap { value -> Template? in
        guard let template = value.template(expected: "a secret such as ${secret:connect}") else { return nil }
        guard !template.secrets.isEmpty, template.facts.isEmpty else {
          value.mistake(
            "what is sent as Authorization is a secret, and stands in clear here",
            fix: "authorization: ${secret:connect}, or 'Bearer ${secret:connect}', with the secret among 'secrets'")
          return nil
        }
        return template
      }
      let authorities = fields.value("ca").flatMap { $0.text(expected: "a file") }
      let status = fields.value("statusTopic").flatMap { $0.text(expected: "the name of a topic") }
      let offsets = fields.value("offsetsTopic").flatMap { $0.text(expected: "the name of a topic") }
      return url.map {
        AttachedKafka.Connect(
          url: $0, authorization: authorization, authorities: authorities, statusTopic: status, offsetsTopic: offsets)
      }
    }
  }
}

extension AttachedKafka.Mirror {
  static func read(_ value: Value) -> AttachedKafka.Mirror? {
    value.fields { fields in
      let from = fields.required("from") { $0.text(expected: "a cluster") }
      let to = fields.required("to") { $0.text(expected: "a cluster") }
      let runner = fields.optional("runner", or: .connect) { $0.choice(Runner.self, called: "who runs a mirror") }
      let worker = fields.value("worker").flatMap { $0.text(expected: "a cluster") }
      let policy = fields.optional("policy", or: .standard) { $0.choice(Policy.self, called: "a replication policy") }
      let separator = fields.optional("separator", or: ".") { value -> String? in
        guard let text = value.text(expected: "what stands between alias and topic, such as '.'") else { return nil }
        guard (1...8).contains(text.utf8.count), text.utf8.allSatisfy(isTopicCharacter) else {
          value.mistake(
            "expected 1 to 8 of the characters that topics' names are made of, found \(quoted(text))",
            fix: "letters, digits, '.', '_' and '-'")
          return nil
        }
        return text
      }
      guard let from, let to, let runner, let policy, let separator else { return nil }
      return AttachedKafka.Mirror(
        from: from, to: to, runner: runner, worker: worker, policy: policy, separator: separator)
    }
  }
}

/// What names of topics are made of.
func isTopicCharacter(_ byte: UInt8) -> Bool {
  (97...122).contains(byte) || (65...90).contains(byte) || (48...57).contains(byte) || [45, 46, 95].contains(byte)
}

extension Value {
  /// A broker's address, `host:port`.
  fileprivate func brokerAddress() -> String? {
    let form = "a broker's address such as broker-1.example.org:9092"
    guard let text = text(expected: form) else { return nil }
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count >= 2, let port = parts.last.flatMap({ Int($0) }), (1...65_535).contains(port),
      !parts[0].isEmpty, text.utf8.allSatisfy({ $0 > 32 && $0 < 127 && $0 != 44 && $0 != 47 && $0 != 64 }),
      parts.count == 2 || text.hasPrefix("[")
    else {
      mistake("expected \(form), found \(quoted(text))")
      return nil
    }
    return text
  }

  /// The address of a service without credentials in it, which would stand in the plan.
  fileprivate func serviceAddress() -> String? {
    guard let url = url() else { return nil }
    guard url.secrets.isEmpty, url.facts.isEmpty, !url.text.contains("@") else {
      mistake(
        "a secret stands in an address, which is shown in plans and messages",
        fix: "leave it out of the address; connect has 'authorization' for it")
      return nil
    }
    return url.text
  }

  /// Properties of a client: a mapping from librdkafka's names to values.
  fileprivate func clientProperties() -> [AttachedKafka.Property]? {
    guard case .mapping(let members) = node.content else {
      mistake("expected a mapping, found \(node.summary)")
      return nil
    }
    let properties = members.map { member -> AttachedKafka.Property? in
      let value = Value(member.value, path: "\(path).\(member.key)", in: reading, at: member.keyMark)
      guard !member.key.isEmpty, member.key.utf8.allSatisfy({ isTopicCharacter($0) }) else {
        value.mistake("\(quoted(member.key)) is no name of a property")
        return nil
      }
      if let why = AttachedKafka.ownProperties[member.key] {
        value.mistake("'\(member.key)' is for the drill to say: \(why)", fix: "leave it out")
        return nil
      }
      guard let template = value.template(expected: "a value, or ${secret:name}") else { return nil }
      if template.facts.isEmpty, template.secrets.isEmpty {
        // Its value is not repeated: it may be the secret itself.
        if AttachedKafka.secretProperties.contains(member.key) {
          value.mistake(
            "a secret stands in clear",
            fix: "secrets: { name: { env: VARIABLE } } or { file: PATH }, and here \(member.key): ${secret:name}")
          return nil
        }
      } else if template.parts.count != 1 || !template.facts.isEmpty {
        value.mistake("a property is one secret or none, and nothing beside it", fix: "\(member.key): ${secret:name}")
        return nil
      }
      return AttachedKafka.Property(name: member.key, value: template)
    }
    return properties.contains { $0 == nil } ? nil : properties.compactMap(\.self)
  }
}
