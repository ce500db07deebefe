internal import Faults
internal import Support

extension Commands {
  /// What a process that prepares a directory for disk faults starts to serve it; not for people.
  static let passThrough = Command(
    name: "pass-through", operands: ["DIRECTORY", "SOURCE"],
    summary: "Serves a directory that is prepared for disk faults.",
    options: [Option(name: "--extended-attributes", help: "serve them too")], isInternal: true
  ) { invocation, _ in
    PassThroughServer.prepareProcess()
    let (directory, source) = (invocation.operands[0], invocation.operands[1])
    let keepsExtendedAttributes = invocation.has("--extended-attributes")
    // Standard input is the connection to the process that started it.
    let wasMounted = try await onOwnThread("pass-through") {
      try PassThroughServer.serve(
        descriptor: 0, directory: directory, source: source, keepsExtendedAttributes: keepsExtendedAttributes)
    }
    return wasMounted ? .pass : .faultNotApplied
  }
}
