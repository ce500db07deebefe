/// Every command: what the parser knows, what the help shows and what `docs/commands.md` is made from.
enum Commands {
  /// In the order of the help.
  static let all: [Command] = [
    doctor, validate, schema, plan, importChaosMesh, importChaosToolkit, run, approve, replay, minimize, report, verify,
    trace, kafkaDump, recover, agent, labUp, labStatus, labDown, guardRegistry, guardAdmin, version, controlPlane,
    guardian, passThrough,
  ]
}
