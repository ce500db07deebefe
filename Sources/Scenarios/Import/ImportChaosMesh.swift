public import Support

/// Makes a scenario of the objects of a Chaos Mesh file. Pure: the same bytes, map and options give the same text.
///
/// All objects of the file take place at the same time, as they do when the file is applied.
///
/// - Throws: everything in it that cannot be expressed, by name and place; exit code 2.
public func importChaosMesh(
  _ bytes: [UInt8], file: String, map: ImportMap = ImportMap(), options: ImportOptions = ImportOptions()
) throws(Problems) -> ImportedScenario {
  let assembly = ImportAssembly(file: file, tool: "chaos-mesh", map: map, options: options)
  let context = ChaosMeshContext(
    map: map, regions: assembly.regions, endless: options.endless, repetitions: options.repetitions, seed: options.seed,
    checks: assembly.checks)
  let documents = try parseYamlDocuments(bytes, file: file)
  var steps: [ImportedStep] = []
  var names: [String] = []
  for node in documents where !node.isNull {
    let value = Value(node, path: "", in: assembly.reading)
    guard let object = ChaosMeshObject.read(value) else { continue }
    let named = ChaosMeshKind.named(object.kindValue)
    guard let kind = named else { continue }
    guard let spec = object.spec else {
      value.mistake("the key 'spec' is missing")
      continue
    }
    guard let step = kind.read(spec, name: object.name, limit: nil, in: context) else { continue }
    steps.append(step)
    names.append("\(object.kind) \(object.name)")
  }
  if steps.count > 1 {
    assembly.reading.found(
      .note, at: documents[0].mark, path: "", "\(steps.count) objects: all of them begin at the same time, as there")
  }
  return try assembly.finish(
    steps.count == 1 ? steps[0] : .parallel(steps, name: "all"), name: names.count == 1 ? names[0] : "",
    from: "Chaos Mesh",
    what: names)
}
