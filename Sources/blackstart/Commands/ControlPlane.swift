internal import Stacks
internal import Support

extension Commands {
  /// What the lab starts in each region; not for people.
  static let controlPlane = Command(
    name: "control-plane", operands: ["CONFIGURATION"], summary: "Runs one region's control plane.", isInternal: true
  ) { invocation, _ in
    try await runControlPlane(configuration: .load(invocation.operands[0]))
    return .pass
  }
}
