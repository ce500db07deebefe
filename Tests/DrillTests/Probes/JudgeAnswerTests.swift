import Glibc
import Scenarios
import Stacks
import Support
import Testing

@testable import Drill

/// What a probe's answer counts as. No data is a kind of its own.
@Suite struct JudgeAnswerTests {
  private static func value(_ text: String) -> RawAnswer { .value(text) }

  @Test(arguments: [
    (ProbeExpectation(), RawAnswer.http(status: 204, body: ""), ProbeAnswer.passed("status 204")),
    (ProbeExpectation(), .http(status: 503, body: "x"), .failed("status 503")),
    (ProbeExpectation(status: [503]), .http(status: 503, body: "x"), .passed("status 503")),
    (ProbeExpectation(contains: "ok"), .http(status: 200, body: " all ok \n"), .passed("all ok")),
    (ProbeExpectation(contains: "ok"), .http(status: 200, body: "no"), .failed("'no' does not contain 'ok'")),
    (ProbeExpectation(), .program(exit: 0, output: "a"), .passed("exit 0")),
    (ProbeExpectation(), .program(exit: 3, output: "bad\n"), .failed("exit 3: bad")),
    (ProbeExpectation(exit: 3), .program(exit: 3, output: ""), .passed("exit 3")),
    (ProbeExpectation(text: "5"), .value(" 5\n"), .passed("5")),
    (ProbeExpectation(text: "5"), .value("6"), .failed("'6', not '5'")),
    (ProbeExpectation(min: 2, max: 4), .value("3.5"), .passed("3.5")),
    (ProbeExpectation(min: 2), .value("1"), .failed("1, at least 2.0 is expected")),
    (ProbeExpectation(max: 4), .value("4.1"), .failed("4.1, at most 4.0 is expected")),
    (ProbeExpectation(max: 4), .value("many"), .noData("'many' is no number")),
    (ProbeExpectation(), .none("timeout"), .noData("timeout")),
    (ProbeExpectation(), .yes("connected"), .passed("connected")),
    (ProbeExpectation(), .no("refused"), .failed("refused")),
  ])
  func judged(expectation: ProbeExpectation, answer: RawAnswer, expected: ProbeAnswer) {
    #expect(expectation.judge(answer) == expected)
  }

  /// Whoever is asked may say again what he was told; it is judged as he says it, and told without what is secret.
  @Test func aSecretThatComesBackIsNotTold() throws {
    let path = "/tmp/bst-echo-\(getpid())"
    try writeFile(path, Array("hush".utf8))
    try writeFile("\(path)-2", Array("hush-hush".utf8))
    defer { for file in [path, "\(path)-2"] { unlink(file) } }
    let secrets = Secrets([
      Secret(name: "one", source: .file(path)), Secret(name: "two", source: .file("\(path)-2")),
      Secret(name: "gone", source: .file("\(path)-3")),
    ])
    let call = HTTPCall(
      url: Template("http://h/${secret:one}"), headers: [.init(name: "A", value: Template("${secret:gone}"))],
      body: Template("${secret:two}"))
    let hide = secrets.hiding(of: ProbeQuestion.http(call).templates)
    func told(_ answer: RawAnswer, _ expect: ProbeExpectation) -> ProbeAnswer { expect.judge(answer, hiding: hide) }
    let body = "you said hush and hush-hush"
    #expect(
      told(.http(status: 200, body: body), ProbeExpectation(contains: "hush"))
        == .passed("you said ${secret:one} and ${secret:two}"))
    #expect(
      told(.http(status: 200, body: body), ProbeExpectation(text: "x"))
        == .failed("'you said ${secret:one} and ${secret:two}', not 'x'"))
    #expect(told(.none("no JSON: hush"), ProbeExpectation()) == .noData("no JSON: ${secret:one}"))
    // Where a text is cut, no part of it stays.
    let long = String(repeating: "x", count: 118) + "hush"
    let shown = told(.program(exit: 1, output: long), ProbeExpectation())
    #expect(!"\(shown)".contains("xhu"), "\(shown)")
  }

  @Test(arguments: [
    (#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"4.5"]}]}}"#, "4.5"),
    (#"{"status":"success","data":{"resultType":"scalar","result":[1,"7"]}}"#, "7"),
  ])
  func aSampleOfPrometheusIsAValue(body: String, expected: String) {
    #expect(prometheusAnswer(.answered(status: 200, body: Array(body.utf8))) == .value(expected))
  }

  @Test(arguments: [
    #"{"status":"success","data":{"resultType":"vector","result":[]}}"#,
    #"{"status":"success","data":{"resultType":"vector","result":[{"value":[1,"1"]},{"value":[1,"2"]}]}}"#,
    #"{"status":"error","error":"parse error"}"#, "no json", #"{"status":"success"}"#,
  ])
  func anythingElseIsNoData(body: String) {
    guard case .none = prometheusAnswer(.answered(status: 200, body: Array(body.utf8))) else {
      Issue.record("\(body) is taken for data")
      return
    }
    #expect(prometheusAnswer(.failed("refused")) == .none("refused"))
  }
}
