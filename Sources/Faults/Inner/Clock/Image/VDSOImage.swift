/// The vDSO that the kernel maps into each process: an ELF image with the functions that tell the time without a system
/// call. Read from its bytes alone; bytes that make no sense are an error, never a crash.
struct VDSOImage: Sendable, Hashable {
  struct Function: Sendable, Hashable {
    /// From the image's start.
    var offset: Int
    var size: Int
  }

  let bytes: [UInt8]
  let machine: StubMachine
  /// By name.
  let functions: [String: Function]
  /// The first byte behind everything that the image itself says it uses.
  let usedEnd: Int

  /// - Throws: ``VDSOError`` saying what is not as it should be.
  init(_ bytes: [UInt8]) throws(VDSOError) {
    self.bytes = bytes
    let reader = ELFReader(bytes: bytes)
    guard bytes.count >= 64, bytes[0..<4].elementsEqual([0x7f, 0x45, 0x4c, 0x46]) else {
      throw VDSOError("it is no ELF image")
    }
    guard bytes[4] == 2, bytes[5] == 1 else { throw VDSOError("it is no 64-bit little-endian image") }
    switch try reader.number(18, 2, "e_machine") {
    case 62: machine = .x86
    case 183: machine = .arm64
    case let other: throw VDSOError("it is for another machine (ELF machine \(other))")
    }
    let segments = try Segments(reader)
    functions = try Self.functions(reader, segments)
    // Section headers are not loaded by anybody, but they stand in the image's pages.
    let sections = try reader.number(40, 8, "e_shoff")
    let count = try reader.number(60, 2, "e_shnum")
    let sectionsEnd = sections == 0 ? 0 : sections + count * 64
    guard segments.loadEnd <= bytes.count, sectionsEnd <= bytes.count else {
      throw VDSOError("it says that it is larger than what is mapped")
    }
    usedEnd = max(segments.loadEnd, sectionsEnd)
  }

  /// Where `count` bytes are free: behind everything else, zero, and not in use by anything that the image describes.
  ///
  /// - Returns: an offset that is a multiple of 64.
  /// - Throws: ``VDSOError`` when there is no room.
  func spare(_ count: Int) throws(VDSOError) -> Int {
    let start = (usedEnd + 63) & ~63
    guard start + count <= bytes.count else {
      throw VDSOError("it has \(max(0, bytes.count - start)) spare bytes, and \(count) are needed")
    }
    guard bytes[start..<(start + count)].allSatisfy({ $0 == 0 }) else {
      throw VDSOError("its spare bytes are in use: another tool has changed it")
    }
    return start
  }

  /// An instruction for system calls, through which others than the image's own can be made.
  func gate() throws(VDSOError) -> Int {
    let code = machine.gate
    for function in functions.values.sorted(by: { $0.offset < $1.offset }) {
      let end = min(function.offset + function.size, bytes.count)
      let stride = machine == .x86 ? 1 : 4
      var place = function.offset
      while place + code.count <= end {
        if bytes[place..<(place + code.count)].elementsEqual(code) { return place }
        place += stride
      }
    }
    // Functions share their tails, which no symbol names.
    var place = 64
    while place + code.count <= usedEnd {
      if bytes[place..<(place + code.count)].elementsEqual(code) { return place }
      place += machine == .x86 ? 1 : 4
    }
    throw VDSOError("it holds no instruction for system calls")
  }

  private struct Segments {
    var loadEnd = 0
    var dynamic: Int?
    /// What is to be taken from an address to get an offset.
    var bias = 0

    init(_ reader: ELFReader) throws(VDSOError) {
      let table = try reader.number(32, 8, "e_phoff")
      let size = try reader.number(54, 2, "e_phentsize")
      let count = try reader.number(56, 2, "e_phnum")
      guard size == 56, count <= 32 else { throw VDSOError("its program headers are not those of a 64-bit image") }
      for index in 0..<count {
        let header = table + index * size
        let offset = try reader.number(header + 8, 8, "p_offset")
        switch try reader.number(header, 4, "p_type") {
        case 1:  // PT_LOAD
          bias = try reader.number(header + 16, 8, "p_vaddr") - offset
          loadEnd = max(loadEnd, offset + (try reader.number(header + 40, 8, "p_memsz")))
        case 2: dynamic = offset  // PT_DYNAMIC
        default: continue
        }
      }
      guard loadEnd > 0 else { throw VDSOError("nothing of it is loaded") }
    }
  }

  private static func functions(_ reader: ELFReader, _ segments: Segments) throws(VDSOError) -> [String: Function] {
    guard let dynamic = segments.dynamic else { throw VDSOError("it has no dynamic section") }
    var tags: [Int: Int] = [:]
    for index in 0..<128 {
      let tag = try reader.number(dynamic + index * 16, 8, "d_tag")
      if tag == 0 { break }
      // Some values are no addresses and fit no Int; those are of no interest.
      tags[tag] = try? reader.number(dynamic + index * 16 + 8, 8, "d_val")
    }
    guard let symbolAddress = tags[6], let stringAddress = tags[5] else { throw VDSOError("it has no dynamic symbols") }
    let symbols = symbolAddress - segments.bias
    let strings = stringAddress - segments.bias
    let count: Int
    if let hash = tags[4] {
      count = try reader.number(hash - segments.bias + 4, 4, "nchain")
    } else {
      // Without that table the strings follow the symbols, as linkers place them.
      count = (strings - symbols) / 24
    }
    guard count > 0, count <= 4096 else { throw VDSOError("it has \(count) dynamic symbols") }
    var found: [String: Function] = [:]
    for index in 1..<max(1, count) {
      let symbol = symbols + index * 24
      let section = try reader.number(symbol + 6, 2, "st_shndx")
      guard try reader.number(symbol + 4, 1, "st_info") & 15 == 2, section != 0 else { continue }  // functions
      let name = try reader.text(strings + (try reader.number(symbol, 4, "st_name")))
      let offset = try reader.number(symbol + 8, 8, "st_value") - segments.bias
      let size = try reader.number(symbol + 16, 8, "st_size")
      guard offset > 0, size >= 0, offset <= reader.bytes.count, size <= reader.bytes.count - offset else {
        throw VDSOError("\(name) lies outside of it")
      }
      found[name] = Function(offset: offset, size: size)
    }
    return found
  }
}

/// What is wrong with a vDSO, or missing in it.
struct VDSOError: Error, Sendable, Hashable, CustomStringConvertible {
  var what: String

  init(_ what: String) { self.what = what }

  var description: String { "its vDSO cannot be redirected: \(what)" }
}

/// Numbers and texts of an ELF image, never beyond its end.
private struct ELFReader {
  let bytes: [UInt8]

  func number(_ offset: Int, _ size: Int, _ field: StaticString) throws(VDSOError) -> Int {
    guard offset >= 0, offset <= bytes.count - size else { throw VDSOError("it is cut off at \(field)") }
    var value: UInt64 = 0
    for index in 0..<size { value |= UInt64(bytes[offset + index]) << (8 * UInt64(index)) }
    guard let number = Int(exactly: value), number < 1 << 48 else { throw VDSOError("\(field) is out of range") }
    return number
  }

  func text(_ offset: Int) throws(VDSOError) -> String {
    guard offset >= 0, offset < bytes.count else { throw VDSOError("a name lies outside of it") }
    return String(decoding: bytes[offset...].prefix { $0 != 0 }, as: UTF8.self)
  }
}
