internal import Support

extension LoadedScenario {
  /// The scenario that `plan` was made of, so that it can be planned again; its file's text is not in a plan.
  public init(of plan: Plan) {
    self.init(
      scenario: plan.scenario, remarks: plan.remarks, places: SourceMap(file: plan.scenario.metadata.name),
      sources: ScenarioSources(file: plan.scenario.metadata.name, bytes: []), digest: plan.scenarioDigest,
      includes: plan.includes)
  }
}
