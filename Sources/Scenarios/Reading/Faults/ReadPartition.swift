extension FaultSpecification {
  static func readPartition(_ fields: Fields) -> FaultSpecification? {
    let link = Link.read(fields)
    let direction = fields.optional("direction", or: .both) { $0.choice(Direction.self, called: "a direction") }
    let answer = fields.optional("answer", or: .silence) { $0.choice(CutAnswer.self, called: "an answer") }
    guard let link, let direction, let answer else { return nil }
    return .partition(link, direction: direction, answer: answer)
  }
}
