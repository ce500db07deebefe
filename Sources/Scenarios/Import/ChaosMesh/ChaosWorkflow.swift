internal import Support

/// `Workflow`: templates that name each other.
enum ChaosWorkflow {
  static func read(_ value: Value, name: String, in context: ChaosMeshContext) -> ImportedStep? {
    value.fields { fields in
      let entry = fields.required("entry") { $0.words(expected: "the name of a template") }
      let templates = fields.required("templates") { list -> [WorkflowTemplate]? in
        guard case .sequence(let nodes) = list.node.content else {
          list.mistake("expected a list, found \(list.node.summary)")
          return nil
        }
        let found = nodes.enumerated().map {
          WorkflowTemplate.read(Value($1, path: "\(list.path)[\($0)]", in: list.reading))
        }
        return found.contains { $0 == nil } ? nil : found.compactMap(\.self)
      }
      guard let entry, let templates, let entryValue = fields.value("entry") else { return nil }
      guard let tree = WorkflowTree(templates, context: context) else { return nil }
      return tree.step(named: entry, at: entryValue, limit: nil)
    }
  }
}

/// One template: what is common to all types, and the keys that its type reads.
struct WorkflowTemplate {
  enum Form: String, CaseIterable {
    case serial = "Serial"
    case parallel = "Parallel"
    case suspend = "Suspend"
    case task = "Task"
  }

  var name: String
  var type: String
  var deadline: Duration?
  var children: [Value]
  var value: Value
  var typeValue: Value
  var nameValue: Value
  /// The block of its kind of chaos.
  var block: Value?
  /// Whether the workflow ends when the check in it fails.
  var aborts: Bool

  static func read(_ value: Value) -> WorkflowTemplate? {
    value.fields { fields in
      let name = fields.required("name") { $0.words(expected: "a name") }
      let type = fields.required("templateType") { $0.words(expected: "a type of template") }
      let deadline = fields.present("deadline").map { $0.faultDuration() } ?? .some(nil)
      let children = fields.present("children").map { list -> [Value]? in list.isEmpty ? [] : list.list { $0 } } ?? []
      fields.refuse("conditionalBranches", "branches that depend on a task's result cannot be expressed")
      let aborts = fields.present("abortWithStatusCheck").map { $0.truth() } ?? .some(false)
      if aborts == true, type != ChaosMeshKind.statusCheck.rawValue {
        fields.value("abortWithStatusCheck")?.mistake("only a StatusCheck can end the workflow")
      }
      var block: Value?
      for kind in ChaosMeshKind.allCases {
        guard let found = fields.present(kind.key) else { continue }
        if kind.rawValue == type { block = found } else { found.mistake("belongs to another type than \(type ?? "?")") }
      }
      // What belongs to types that are refused as a whole is no second mistake.
      fields.pass("task")
      for (kind, _) in ChaosMeshKind.refusals { fields.pass(kind.prefix(1).lowercased() + kind.dropFirst()) }
      guard let name, let type, let deadline, let children, let aborts, let typeValue = fields.value("templateType"),
        let nameValue = fields.value("name")
      else { return nil }
      return WorkflowTemplate(
        name: name, type: type, deadline: deadline, children: children, value: value, typeValue: typeValue,
        nameValue: nameValue, block: block, aborts: aborts)
    }
  }
}

/// The templates of a workflow by their names.
final class WorkflowTree {
  private let templates: [String: WorkflowTemplate]
  private let context: ChaosMeshContext
  private var open: [String] = []
  private var steps = 0

  init?(_ templates: [WorkflowTemplate], context: ChaosMeshContext) {
    var byName: [String: WorkflowTemplate] = [:]
    var isSound = true
    for template in templates {
      if let earlier = byName.updateValue(template, forKey: template.name) {
        template.nameValue.mistake(
          "the template \(quoted(template.name)) stands twice; it stood in line \(earlier.value.node.mark.line) already"
        )
        isSound = false
      }
    }
    guard isSound else { return nil }
    self.templates = byName
    self.context = context
  }

  /// What the template called `name` does, which `place` names.
  ///
  /// - Parameter limit: how long it may take by the templates around it.
  func step(named name: String, at place: Value, limit: Duration?) -> ImportedStep? {
    guard let template = templates[name] else {
      let near = closest(to: name, among: templates.keys.sorted()).map { "did you mean '\($0)'?" }
      place.mistake("there is no template \(quoted(name))", fix: near)
      return nil
    }
    guard !open.contains(name) else {
      place.mistake("the template \(quoted(name)) contains itself: \((open + [name]).joined(separator: " → "))")
      return nil
    }
    steps += 1
    guard steps <= mostImportedFaults else {
      if steps == mostImportedFaults + 1 {
        place.mistake("the workflow comes to more than \(mostImportedFaults) steps", fix: "import parts of it")
      }
      return nil
    }
    open.append(name)
    defer { open.removeLast() }
    return step(template, limit: limit)
  }

  private func step(_ template: WorkflowTemplate, limit: Duration?) -> ImportedStep? {
    let own = shorter(template.deadline, limit)
    switch WorkflowTemplate.Form(rawValue: template.type) {
    case .serial: return serial(template, limit: own)
    case .parallel: return parallel(template, limit: own)
    case .suspend:
      guard template.deadline != nil, let own else {
        template.value.mistake("a Suspend needs a deadline: it says how long")
        return nil
      }
      return .pause(own)
    case .task:
      template.typeValue.mistake("a Task runs a container of yours, and a drill has no cluster to run it in")
      return nil
    case nil: break
    }
    guard let kind = ChaosMeshKind.named(template.typeValue) else { return nil }
    guard let block = template.block else {
      template.value.mistake("the key '\(kind.key)' is missing")
      return nil
    }
    if kind == .statusCheck {
      return StatusCheck.read(block, name: template.name, limit: own, aborts: template.aborts, in: context)
    }
    if own == nil, kind != .schedule {
      template.value.remark(
        "no deadline, and none around it: there the workflow never goes on; here it ends after \(context.endless.text)",
        fix: "add deadline, or choose with --endless")
    }
    return kind.read(block, name: template.name, limit: own ?? (kind == .schedule ? nil : context.endless), in: context)
  }

  /// One child after the other, each within what is left of the deadline.
  private func serial(_ template: WorkflowTemplate, limit: Duration?) -> ImportedStep? {
    var steps: [ImportedStep] = []
    var isSound = !isBarren(template)
    var begin = Duration.zero
    for child in template.children {
      let left = limit.map { $0 - begin }
      if let left, left <= .zero {
        child.remark("never begins there: the deadline of \(limit?.text ?? "") is over before; it is left out")
        continue
      }
      guard let step = step(child, limit: left) else {
        isSound = false
        continue
      }
      begin += step.length
      steps.append(step)
    }
    return isSound ? .sequence(steps, name: template.name) : nil
  }

  private func parallel(_ template: WorkflowTemplate, limit: Duration?) -> ImportedStep? {
    guard !isBarren(template) else { return nil }
    let steps = template.children.map { step($0, limit: limit) }
    return steps.contains { $0 == nil } ? nil : .parallel(steps.compactMap(\.self), name: template.name)
  }

  private func isBarren(_ template: WorkflowTemplate) -> Bool {
    if template.children.isEmpty { template.value.mistake("a \(template.type) without children does nothing") }
    return template.children.isEmpty
  }

  private func step(_ child: Value, limit: Duration?) -> ImportedStep? {
    child.words(expected: "the name of a template").flatMap { step(named: $0, at: child, limit: limit) }
  }

  private func shorter(_ one: Duration?, _ other: Duration?) -> Duration? {
    guard let one, let other else { return one ?? other }
    return min(one, other)
  }
}
