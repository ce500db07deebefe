import Glibc
import Scenarios
import Support
import Testing

/// The tools whose files can be imported.
enum ForeignTool: String, CaseIterable, Sendable {
  case chaosMesh = "ChaosMesh"
  case chaosToolkit = "ChaosToolkit"

  /// The tool's import, as a plain function.
  func make(_ bytes: [UInt8], file: String, map: ImportMap, options: ImportOptions) throws(Problems) -> ImportedScenario
  {
    switch self {
    case .chaosMesh: try importChaosMesh(bytes, file: file, map: map, options: options)
    case .chaosToolkit: try importChaosToolkit(bytes, file: file, map: map, options: options)
    }
  }
}

/// One file of another tool, in Golden/Import.
struct ImportFixture: Sendable, CustomTestStringConvertible {
  var tool: ForeignTool
  var name: String

  var testDescription: String { "\(tool.rawValue)/\(name)" }
  var path: String { goldenPath("Import/\(tool.rawValue)/\(name)") }
  var goldenPathname: String { "\(path).golden" }
  var bytes: [UInt8] { contents(of: path) }

  /// All of them, in the order of their names.
  static let all: [ImportFixture] = ForeignTool.allCases.flatMap { tool in
    names(in: goldenPath("Import/\(tool.rawValue)")).filter { !$0.hasSuffix(".golden") }.map {
      ImportFixture(tool: tool, name: $0)
    }
  }

  static func map() throws -> ImportMap {
    try parseImportMap(contents(of: goldenPath("Import/map.yaml")), file: "map.yaml")
  }

  /// What a person sees: the remarks and the scenario, or the refusals.
  func outcome(isPartial: Bool = false) throws -> String {
    let map = try Self.map()
    do throws(Problems) {
      let made = try tool.make(
        bytes, file: name, map: map, options: ImportOptions(seed: 7, isPartial: isPartial))
      return (made.remarks.map(\.description) + ["", made.text]).joined(separator: "\n")
    } catch {
      return "\(error)\n"
    }
  }
}

/// The names in a folder, sorted.
func names(in folder: String) -> [String] {
  guard let directory = opendir(folder) else { preconditionFailure("cannot open \(folder)") }
  defer { closedir(directory) }
  var names: [String] = []
  while let entry = readdir(directory) {
    let name = withUnsafePointer(to: &entry.pointee.d_name) {
      $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
    }
    if !name.hasPrefix(".") { names.append(name) }
  }
  return names.sorted()
}
