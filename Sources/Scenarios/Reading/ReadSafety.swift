internal import Support

extension Safety {
  static func read(_ value: Value) -> Safety? {
    value.fields { fields in
      let maxDuration = fields.required("maxDuration") { $0.positiveDuration() }
      let radius = fields.required("blastRadius", readRadius)
      let protected = fields.optional("protected", or: (nodes: [], ports: []), readProtected)
      let accepted = fields.optional("accept", or: []) {
        $0.list { $0.choice(KnownMistake.self, called: "a known mistake") }
      }
      // Absent and false are the same; a wrong answer has been noted, and the scenario is refused for it.
      let wholeNode = fields.value("allowWholeNodeClock").flatMap(ProcessFault.readDescendants)
      guard let maxDuration, let radius, let protected, let accepted else { return nil }
      return Safety(
        maxDuration: maxDuration, maxRegions: radius.regions, maxConcurrent: radius.concurrent,
        maxNodes: radius.nodes, protectedNodes: protected.nodes, protectedPorts: protected.ports, accepted: accepted,
        allowsWholeNodeClock: wholeNode == true ? true : nil)
    }
  }

  private static func readRadius(_ value: Value) -> (regions: Int, concurrent: Int?, nodes: Int?)? {
    value.fields { fields in
      let regions = fields.required("regions") { $0.integer(in: 1...1000) }
      let concurrent = fields.value("concurrent").flatMap { $0.integer(in: 1...100_000) }
      let nodes = fields.value("nodes").flatMap { $0.integer(in: 1...100_000) }
      return regions.map { (Int($0), concurrent.map { Int($0) }, nodes.map { Int($0) }) }
    }
  }

  private static func readProtected(_ value: Value) -> (nodes: [String], ports: [TrafficScope.Ports])? {
    value.fields { fields in
      let nodes = fields.optional("nodes", or: []) { $0.list { $0.text(expected: "a region or a host") } }
      let ports = fields.optional("ports", or: []) { $0.list(TrafficScope.Ports.read) }
      guard let nodes, let ports else { return nil }
      return (nodes, ports)
    }
  }
}
