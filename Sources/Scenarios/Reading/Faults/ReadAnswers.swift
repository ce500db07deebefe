internal import Support

extension FaultSpecification {
  static func readNames(_ fields: Fields) -> FaultSpecification? {
    let link = Link.readPlain(fields)
    let answers = fields.required("answers") { $0.list(NameAnswer.read) }
    guard let link, let answers else { return nil }
    guard !answers.isEmpty else {
      fields.mistake("no name is answered otherwise", fix: "such as answers: [{ name: db.example, answer: nxdomain }]")
      return nil
    }
    return .answers(link, .names(answers))
  }

  static func readTime(_ fields: Fields) -> FaultSpecification? {
    let link = Link.readPlain(fields)
    let offset = fields.optional("offset", or: Offset(nanoseconds: 0), Offset.read)
    let drift = fields.optional("drift", or: Drift(partsPerBillion: 0), Drift.read)
    guard let link, let offset, let drift else { return nil }
    guard offset.nanoseconds != 0 || drift.partsPerBillion != 0 else {
      fields.mistake("it neither moves the time nor changes its pace", fix: "add offset: 5s, or drift: 200ppm")
      return nil
    }
    return .answers(link, .time(offset: offset, drift: drift))
  }
}

extension FaultSpecification.Link {
  /// The keys of a fault whose kind says which packets are meant.
  fileprivate static func readPlain(_ fields: Fields) -> FaultSpecification.Link? {
    let region = fields.required("region") { $0.text(expected: "a region") }
    let nodes = fields.value("nodes").flatMap { $0.list { $0.text(expected: "a node") } }
    let peers = fields.required("from", PeerSelection.read)
    let flapping = fields.value("flapping").flatMap(Flapping.read)
    guard let region, let peers else { return nil }
    return FaultSpecification.Link(region: region, nodes: nodes, peers: peers, flapping: flapping)
  }
}

extension NameAnswer {
  fileprivate static func read(_ value: Value) -> NameAnswer? {
    value.fields { fields in
      let name = fields.required("name") { $0.text(expected: "a name, *.name, or *") }
      // Absent is nil; so is a wrong one, but then its mistake was noted and the scenario is refused.
      let answer = fields.value("answer").flatMap(Answer.read)
      let late = fields.optional("late", or: .zero) { $0.positiveDuration() }
      guard let name, let late else { return nil }
      guard answer != nil || late > .zero || fields.has("answer") else {
        fields.mistake("the answers about \(quoted(name)) stay as they are", fix: "add answer or late, or leave it out")
        return nil
      }
      return NameAnswer(name: name, answer: answer, late: late)
    }
  }
}

extension NameAnswer.Answer {
  fileprivate static func read(_ value: Value) -> NameAnswer.Answer? {
    if case .sequence = value.node.content { return value.list(readAddress).map { .addresses($0) } }
    return value.choice(NameAnswer.Refusal.self, called: "an answer or a list of addresses").map { .refusal($0) }
  }

  private static func readAddress(_ value: Value) -> String? {
    guard let text = value.text(expected: "an address") else { return nil }
    guard isAddress(text) else {
      value.mistake("expected an address of IPv4 or IPv6, found \(quoted(text))")
      return nil
    }
    return text
  }
}
