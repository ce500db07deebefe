import Testing

@testable import Faults

@Suite struct PathPatternTests {
  @Test(arguments: [
    ("**", "", true), ("**", "a/b/c", true),
    ("*", "a", true), ("*", "", true), ("*", "a/b", false),
    ("*.log", "a.log", true), ("*.log", "d/a.log", false), ("*.log", "a.log2", false),
    ("**/*.log", "a.log", true), ("**/*.log", "d/a.log", true), ("**/*.log", "d/e/a.log", true),
    ("**/*.log", "d/alog", false),
    ("pg_wal/**", "pg_wal/0001", true), ("pg_wal/**", "pg_wal/a/b", true), ("pg_wal/**", "pg_wal", false),
    ("pg_wal/**", "base/pg_wal/1", false),
    ("**/pg_wal/**", "data/pg_wal/1", true), ("**/pg_wal/**", "pg_wal/1", true),
    ("**/pg_wal/**", "xpg_wal/1", false),
    ("a/**/z", "a/z", true), ("a/**/z", "a/b/c/z", true), ("a/**/z", "a/bz", false), ("a/**/z", "az", false),
    ("a?c", "abc", true), ("a?c", "a/c", false), ("a?c", "ac", false),
    ("a*b*c", "axxbyyc", true), ("a*b*c", "axxbyy", false), ("a*b*c", "ab/c", false),
  ])
  func aPatternStandsForTheWholePath(pattern: String, path: String, isMatch: Bool) {
    #expect(PathPattern(pattern).compiled()(path) == isMatch)
  }

  @Test func manyStarsTakeNoLongerThanFew() {
    let pattern = PathPattern(String(repeating: "*a", count: 30))
    #expect(!pattern.compiled()(String(repeating: "a", count: 2000) + "b"))
  }

  @Test(arguments: ["", "/etc/*", "a/../b", String(repeating: "x", count: 1025)])
  func whatCannotBeMeantIsRefused(pattern: String) {
    #expect(PathPattern(pattern).defect != nil)
  }

  @Test func goodPatternsHaveNoDefect() {
    #expect(PathPattern("pg_wal/**").defect == nil)
    #expect(PathPattern("..a/b").defect == nil)
  }
}
