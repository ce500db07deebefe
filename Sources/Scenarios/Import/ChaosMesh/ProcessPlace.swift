internal import Support

/// Processes of a place, as a timeline entry names them.
enum ProcessPlace {
  /// The key that says which processes; a mistake where the map does not.
  static func selection(_ place: ImportMap.Place, at value: Value) -> YamlTree.Member? {
    if let processes = place.processes { return processes }
    value.mistake(
      "the mapping file does not say which processes are meant in \(listed(place.regions))",
      fix: "add to its rule: processes: { role: store }")
    return nil
  }

  /// One fault a region.
  static func step(
    _ place: ImportMap.Place, _ processes: YamlTree.Member, name: String, origin: String, hold: Duration, at mark: Mark,
    _ keys: [YamlTree.Member], fault: String = "process"
  ) -> ImportedStep {
    let faults = place.regions.map { region in
      ImportedStep.fault(
        ImportedFault(
          name: name, origin: origin, mark: mark,
          keys: [.init("fault", .word(fault)), .init("region", .word(region)), processes] + keys, region: region,
          hold: hold))
    }
    return faults.count == 1 ? faults[0] : .parallel(faults, name: name)
  }

  static func remarkContainers(_ fields: Fields) {
    guard let names = fields.present("containerNames"), !names.isEmpty else { return }
    names.remark("containers are not told apart: what the map says of the pods is meant")
  }
}
