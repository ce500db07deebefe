import Glibc
import Support
import Testing

@Test func aProblemSaysWhereWhatAndHowToMendIt() {
  let place = SourceLocation(file: "drill.yaml", line: 12, column: 7)
  let problem = Problem(.usage, at: "\(place)", "unknown key 'latncy'", fix: "did you mean 'latency'?")
  #expect(problem.description == "drill.yaml:12:7: error: unknown key 'latncy'\n  fix: did you mean 'latency'?")
  #expect(Problem(.fail, "bare").description == "error: bare")
  #expect(Problems([problem, Problem(.fail, "bare")]).description == "\(problem)\nerror: bare")
}

@Test func exitCodesAreTheDocumentedOnes() {
  let codes: [ExitCode] = [
    .pass, .fail, .usage, .steadyState, .faultNotApplied, .recoveryIncomplete, .aborted, .inconclusive, .interrupted,
    .terminated,
  ]
  #expect(codes.map(\.rawValue) == [0, 1, 2, 3, 4, 5, 6, 7, 130, 143])
}

@Test func systemErrorsKeepTheirNumberAndCall() {
  #expect(
    SystemError("setns", "/run/netns/x", number: EPERM).description == "setns /run/netns/x: Operation not permitted (1)"
  )
  #expect(SystemError("fork", number: EAGAIN).description == "fork: Resource temporarily unavailable (11)")
  #expect(errnoText(ENOENT) == "No such file or directory (2)")
}
