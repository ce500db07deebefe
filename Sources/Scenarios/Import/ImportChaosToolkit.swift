public import Support

/// Makes a scenario of a Chaos Toolkit experiment in JSON or YAML. Pure: the same bytes, map and options give the same text.
///
/// What an activity does is known to its program alone, so the mapping file says what each stands for.
///
/// - Throws: everything in it that cannot be expressed, by name and place; exit code 2.
public func importChaosToolkit(
  _ bytes: [UInt8], file: String, map: ImportMap = ImportMap(), options: ImportOptions = ImportOptions()
) throws(Problems) -> ImportedScenario {
  let documents = try parseYamlDocuments(joiningSurrogates(bytes), file: file)
  let assembly = ImportAssembly(file: file, tool: "chaos-toolkit", map: map, options: options)
  let experiment = ChaosToolkitExperiment(map: map, checks: assembly.checks)
  let root = Value(documents[0], path: "", in: assembly.reading)
  if documents.count > 1 {
    assembly.reading.found(
      at: documents[1].mark, path: "", "a second document", fix: "one experiment a file: put it into its own file")
  }
  let step = experiment.read(root) ?? .parallel([], name: "")
  return try assembly.finish(step, name: experiment.title, from: "Chaos Toolkit", what: [experiment.title])
}

/// JSON writes a character beyond the first 65,536 as two escapes, `\ud83d\ude00`, which YAML refuses: the character itself is
/// put in their place.
func joiningSurrogates(_ bytes: [UInt8]) -> [UInt8] {
  guard bytes.first(where: { $0 != 0x20 && $0 != 0x0A && $0 != 0x0D && $0 != 0x09 }) == UInt8(ascii: "{") else {
    return bytes
  }
  var result: [UInt8] = []
  result.reserveCapacity(bytes.count)
  var place = 0
  while place < bytes.count {
    if let high = escape(at: place, in: bytes), (0xD800..<0xDC00).contains(high),
      let low = escape(at: place + 6, in: bytes), (0xDC00..<0xE000).contains(low),
      let scalar = Unicode.Scalar(0x10000 + (high - 0xD800) << 10 + (low - 0xDC00))
    {
      result += Array(String(Character(scalar)).utf8)
      place += 12
    } else if bytes[place] == UInt8(ascii: "\\"), place + 1 < bytes.count {
      result += bytes[place...(place + 1)]
      place += 2
    } else {
      result.append(bytes[place])
      place += 1
    }
  }
  return result
}

/// The number of the escape `\uXXXX` that begins at `place`.
private func escape(at place: Int, in bytes: [UInt8]) -> UInt32? {
  guard place + 6 <= bytes.count, bytes[place] == UInt8(ascii: "\\"), bytes[place + 1] == UInt8(ascii: "u") else {
    return nil
  }
  let digits = bytes[(place + 2)..<(place + 6)]
  guard digits.allSatisfy({ (48...57).contains($0) || (65...70).contains($0) || (97...102).contains($0) }) else {
    return nil
  }
  return UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
}
