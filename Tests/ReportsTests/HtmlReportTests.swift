import Glibc
import Reports
import Support
import Testing

@Suite struct HtmlReportTests {
  @Test func show() throws {
    for (name, run) in [("pass", sampleRun()), ("fail", sampleFailure())] {
      let file = fopen("/tmp/c-\(name).html", "w")
      fputs(htmlReport(run), file)
      fclose(file)
      print(terminalReport(run, color: false))
    }
    print(junitReport(sampleFailure()))
    print(metricsReport(sampleFailure()))
  }
}
