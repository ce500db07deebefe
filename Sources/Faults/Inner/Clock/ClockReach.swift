internal import Support

/// What is known about how a program asks for the time, from its file and what it has loaded. Pure.
enum ClockReach {
  /// Warnings, one sentence each; empty for programs that are reached as a whole.
  ///
  /// - Parameters:
  ///   - program: the beginning of its file, with its program headers and notes.
  ///   - maps: the text of /proc/PID/maps.
  static func warnings(program: [UInt8], maps: [UInt8]) -> [String] {
    var warnings: [String] = []
    let loaded = String(decoding: maps, as: UTF8.self)
    if !hasInterpreter(program) && !isGo(program) {
      warnings.append("it is linked statically: if its C library does not use the vDSO, nothing of it is reached")
    }
    if loaded.contains("/libjvm.so") {
      warnings.append(
        "a Java program: its waits and nanoTime keep to the monotonic clock, so that they seem wrong by its time of day"
      )
    }
    if loaded.contains("libfaketime") { warnings.append("it has loaded libfaketime, which shifts its clocks as well") }
    return warnings
  }

  /// Whether a dynamic linker is named (PT_INTERP).
  private static func hasInterpreter(_ program: [UInt8]) -> Bool {
    guard program.count >= 64 else { return false }
    let table = Int(truncatingIfNeeded: program.word(at: 32))
    let count = Int(program[56]) | Int(program[57]) << 8
    guard table >= 64 else { return false }
    for index in 0..<min(count, 64) {
      let header = table + index * 56
      guard header + 4 <= program.count else { return false }
      if program[header] == 3, program[(header + 1)..<(header + 4)].allSatisfy({ $0 == 0 }) { return true }
    }
    return false
  }

  /// Go's own linker leaves a note of that name near the beginning.
  private static func isGo(_ program: [UInt8]) -> Bool {
    let note = Array("Go\0\0".utf8)
    var place = 64
    while place + 16 <= program.count {
      // Name size 4, then the size of the rest, type 4 (build id), name.
      if program[place] == 4, program[place + 8] == 4, program[(place + 12)..<(place + 16)].elementsEqual(note) {
        return true
      }
      place += 4
    }
    return false
  }
}
