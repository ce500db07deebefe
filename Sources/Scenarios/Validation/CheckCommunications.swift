internal import Support

extension Checking {
  mutating func checkCommunications() {
    unique(scenario.communications.map(\.id), "the message", fix: "rename one of the two") {
      "communications[\($0)].id"
    }
    for (index, message) in scenario.communications.enumerated() {
      let path = "communications[\(index)]"
      switch message.anchor {
      case .fault(let id): fault(id, at: "\(path).after.fault")
      case .detection(let id): fault(id, at: "\(path).after.detection")
      case .step(let id):
        if !scenario.steps.contains(where: { $0.id == id }) {
          error(
            "\(path).after.step", "there is no step \(quoted(id))", fix: known(id, scenario.steps.map(\.id), "steps"))
        }
      }
      switch message.sink {
      case .file: break
      case .command(let call): check(call, at: "\(path).sink.command")
      case .webhook(let call): check(call, at: "\(path).sink.webhook")
      }
      check(message.text, at: "\(path).text", allowsFacts: true)
      if message.due > longestTime { error("\(path).due", "is longer than a year") }
    }
  }

  mutating func checkVariables() {
    for variable in scenario.variables where variable.kind == .region {
      _ = region(variable.value, at: "variables.\(variable.name)")
    }
  }
}
