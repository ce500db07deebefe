internal import Support

/// `PodChaos`: pods that end.
enum PodChaos {
  enum Action: String, CaseIterable {
    case podKill = "pod-kill"
    case podFailure = "pod-failure"
    case containerKill = "container-kill"
  }

  static func read(_ value: Value, name: String, limit: Duration?, in context: ChaosMeshContext) -> ImportedStep? {
    value.fields { fields -> ImportedStep? in
      let action = fields.required("action") { $0.choice(Action.self, called: "an action") }
      let frame = ChaosFrame.read(fields, value, limit: limit, in: context)
      let grace = fields.present("gracePeriod").map { $0.integer(in: 0...86_400) } ?? .some(0)
      ProcessPlace.remarkContainers(fields)
      guard let action, let frame, let grace, let processes = ProcessPlace.selection(frame.place, at: value) else {
        return nil
      }
      let origin = "PodChaos \(name), action \(action.rawValue)"
      return ProcessPlace.step(
        frame.place, processes, name: name, origin: origin, hold: frame.hold, at: value.node.mark,
        keys(action, grace: grace, hold: frame.hold, at: value))
    }
  }

  private static func keys(_ action: Action, grace: Int64, hold: Duration, at value: Value) -> [YamlTree.Member] {
    let kill = YamlTree.Member("action", .word(grace > 0 ? "terminate" : "kill"))
    let graceKey = grace > 0 ? [YamlTree.Member("grace", .word("\(grace)s"))] : []
    func restart(_ time: Duration) -> YamlTree.Member {
      .init("restart", .flow(.mapping([.init("after", .word(time.text))])))
    }
    switch action {
    case .podKill, .containerKill:
      value.note("there the cluster starts another one in its own time; here the servers are started again after 3s")
      return [kill] + graceKey + [restart(.seconds(3))]
    case .podFailure:
      value.note(
        "there other images run in its place; here the servers are ended, and started again after \(hold.text)")
      return [kill] + graceKey + [restart(hold)]
    }
  }
}
