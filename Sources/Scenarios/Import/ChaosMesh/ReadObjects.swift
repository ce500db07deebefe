internal import Support

/// One object of a Chaos Mesh file: its kind, its name, its specification.
struct ChaosMeshObject {
  var kind: String
  var name: String
  var value: Value
  var kindValue: Value
  var spec: Value?

  /// The version of Chaos Mesh's language.
  static let apiVersion = "chaos-mesh.org/v1alpha1"

  /// Reads the frame of an object; `nil` for a mistake, or for an object of Kubernetes itself, which is passed over.
  static func read(_ value: Value) -> ChaosMeshObject? {
    guard case .mapping(let members) = value.node.content else {
      value.mistake("expected an object of Chaos Mesh, found \(value.node.summary)")
      return nil
    }
    // Whose object it is comes first: the keys of a stranger are no mistakes.
    let head = Fields(of: value, members)
    let version = head.required("apiVersion") { $0.words() }
    let kind = head.required("kind") { $0.words() }
    guard let version, let kind, let kindValue = head.value("kind") else { return nil }
    guard version == apiVersion else {
      kindValue.mistake(
        "\(quoted(kind)) of \(quoted(version)) is no object of Chaos Mesh",
        fix: "import objects of \(apiVersion); take the others out of the file")
      return nil
    }
    return value.fields { fields in
      fields.pass("apiVersion", "kind", "status")
      let name = readMetadata(fields, kind) ?? kind.lowercased()
      return ChaosMeshObject(kind: kind, name: name, value: value, kindValue: kindValue, spec: fields.value("spec"))
    }
  }

  private static func readMetadata(_ fields: Fields, _ kind: String) -> String? {
    fields.required("metadata") { metadata -> String? in
      guard case .mapping(let members) = metadata.node.content else {
        metadata.mistake("expected a mapping, found \(metadata.node.summary)")
        return nil
      }
      // Everything else in it is Kubernetes' own.
      let fields = Fields(of: metadata, members)
      if let annotations = fields.present("annotations"), let pairs = annotations.texts() {
        if pairs.contains(where: { $0.key == "experiment.chaos-mesh.org/pause" && $0.text == "true" }) {
          annotations.remark("the object is paused there and injects nothing; here it takes place")
        }
      }
      return (fields.present("name") ?? fields.present("generateName"))?.words()
    }
  }
}

/// The kinds of Chaos Mesh's objects that disturb something, and how each is read.
enum ChaosMeshKind: String, CaseIterable {
  case networkChaos = "NetworkChaos"
  case podChaos = "PodChaos"
  case timeChaos = "TimeChaos"
  case ioChaos = "IOChaos"
  case stressChaos = "StressChaos"
  case statusCheck = "StatusCheck"
  case schedule = "Schedule"
  case workflow = "Workflow"
  case physicalMachineChaos = "PhysicalMachineChaos"

  /// Why objects of other kinds cannot be imported.
  static let refusals: [(kind: String, why: String)] = [
    ("DNSChaos", "it chooses names by patterns of its own; answers of a region's name servers are fault: dns"),
    ("HTTPChaos", "what is inside a connection cannot be changed"),
    ("JVMChaos", "the code of a running JVM is not changed"),
    ("KernelChaos", "errors inside the kernel are not injected"),
    ("BlockChaos", "block devices are not delayed"),
    ("AWSChaos", "a cloud's own interface is not driven"),
    ("GCPChaos", "a cloud's own interface is not driven"),
    ("AzureChaos", "a cloud's own interface is not driven"),
    ("CloudStackVMChaos", "a cloud's own interface is not driven"),
    ("PodNetworkChaos", "it is made by Chaos Mesh itself, from a NetworkChaos"),
    ("PodIOChaos", "it is made by Chaos Mesh itself, from an IOChaos"),
    ("PodHttpChaos", "it is made by Chaos Mesh itself, from an HTTPChaos"),
    ("WorkflowNode", "it is made by Chaos Mesh itself, from a Workflow"),
    ("PhysicalMachine", "it says where a machine is: put its address under hosts of the mapping file"),
    ("RemoteCluster", "another cluster cannot be reached from a drill"),
  ]

  /// The camel-case key under which a Schedule or a template holds the kind's specification.
  var key: String { self == .ioChaos ? "ioChaos" : rawValue.prefix(1).lowercased() + rawValue.dropFirst() }

  /// Reads a specification of this kind.
  func read(
    _ spec: Value, name: String, limit: Duration?, in context: ChaosMeshContext
  ) -> ImportedStep? {
    switch self {
    case .networkChaos: NetworkChaos.read(spec, name: name, limit: limit, in: context)
    case .podChaos: PodChaos.read(spec, name: name, limit: limit, in: context)
    case .timeChaos: TimeChaos.read(spec, name: name, limit: limit, in: context)
    case .ioChaos: IOChaos.read(spec, name: name, limit: limit, in: context)
    case .stressChaos: StressChaos.read(spec, name: name, limit: limit, in: context)
    case .statusCheck: StatusCheck.read(spec, name: name, limit: limit, aborts: false, in: context)
    case .physicalMachineChaos: PhysicalMachineChaos.read(spec, name: name, limit: limit, in: context)
    case .schedule: ChaosSchedule.read(spec, name: name, limit: limit, in: context)
    case .workflow: ChaosWorkflow.read(spec, name: name, in: context)
    }
  }

  /// The kind that `value` names; a mistake there when it cannot be imported.
  static func named(_ value: Value) -> ChaosMeshKind? {
    guard let name = value.words(expected: "a kind") else { return nil }
    if let kind = ChaosMeshKind(rawValue: name) { return kind }
    if let refusal = refusals.first(where: { $0.kind == name }) {
      value.mistake("\(name) cannot be expressed: \(refusal.why)", fix: "take it out of the file")
      return nil
    }
    let near = closest(to: name, among: allCases.map(\.rawValue)).map { "did you mean '\($0)'? " } ?? ""
    value.mistake(
      "\(quoted(name)) is no kind of Chaos Mesh's that is known here",
      fix: "\(near)known: \(allCases.map(\.rawValue).joined(separator: ", "))")
    return nil
  }
}
