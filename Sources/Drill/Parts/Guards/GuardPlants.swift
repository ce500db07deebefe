internal import Scenarios
internal import Stacks
internal import Support

/// Faults planted in the guards: they are started so, with the lab.
extension DrillRun {
  func noteGuardPlant(_ plant: StackPlant) async throws {
    let (needed, detail): (StackSettings.Guarded, String) =
      switch plant {
      case .adminGuardPasses: (.admin, "every admin guard lets all requests pass")
      case .registryGuardComparesStrings: (.registry, "every registry guard compares tokens as text")
      default: (.registry, "every registry can be reached past its guard")
      }
    guard scenario.stack.isGuarded(needed) else {
      throw Problem(
        .usage, at: plant.rawValue, "there is no \(needed.rawValue) guard to plant a fault in; nothing was injected",
        fix: "add stack.guards: [\(needed.rawValue)]")
    }
    try await journal.record(PlantSet(plant: plant.rawValue, detail: detail))
  }
}
