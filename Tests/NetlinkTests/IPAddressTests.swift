import Netlink
import Testing

@Suite struct IPAddressTests {
  /// RFC 5952 §4 and §5, and RFC 4291 §2.2.
  @Test(arguments: [
    ("10.0.0.1", "10.0.0.1"), ("255.255.255.255", "255.255.255.255"), ("0.0.0.0", "0.0.0.0"),
    ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"), ("2001:0DB8::0001", "2001:db8::1"), ("::", "::"), ("::1", "::1"),
    ("1::", "1::"), ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"), ("2001:0:0:1:0:0:0:1", "2001:0:0:1::1"),
    ("::ffff:192.0.2.1", "::ffff:192.0.2.1"), ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"),
    ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"), ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"), ("fe80:0:0:0:0:0:0:0", "fe80::"),
  ])
  func textIsParsedAndPrintedCanonically(_ text: String, _ canonical: String) throws {
    let address = try #require(IPAddress(text))
    #expect(address.description == canonical)
    #expect(IPAddress(canonical) == address)
    #expect(IPAddress(bytes: address.bytes) == address)
  }

  @Test(arguments: [
    "", ".", ":", ":::", "10.0.0", "10.0.0.0.1", "10.0.0.256", "010.0.0.1", "10.0.0.1 ", "+1.0.0.1", "1..2.3",
    "10.0.0.-1",
    "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "::12345", "::g", "fe80::1%eth0", "1:2:3:4:5:6:7::8", ":1::2",
    "1:", "1.2.3.4::", "::1.2.3", "１.0.0.1", "::ffff:1.2.3.4:5",
  ])
  func whatIsNoAddressIsRefused(_ text: String) {
    #expect(IPAddress(text) == nil)
  }

  @Test func prefixesKnowWhatTheyContain() throws {
    let net = try #require(IPPrefix("10.20.0.0/14"))
    #expect(net.isNetwork)
    #expect(net.contains(.v4(0x0A17_FFFF)))
    #expect(!net.contains(.v4(0x0A18_0000)))
    #expect(!net.contains(.v6(0, 1)))
    #expect(try !#require(IPPrefix("10.0.0.1/24")).isNetwork)
    #expect(try #require(IPPrefix("fd00::/8")).contains(#require(IPAddress("fc12::1"))) == false)
    #expect(try #require(IPPrefix("::/0")).contains(#require(IPAddress("fc12::1"))))
    #expect(try #require(IPPrefix("fd00::5")).length == 128)
    for bad in ["10.0.0.0/33", "10.0.0.0/", "10.0.0.0/08", "10.0.0.0/-1", "10.0.0.0/8/8", "::/129", "/8", ""] {
      #expect(IPPrefix(bad) == nil, "\(bad)")
    }
  }

  @Test func addressesAreOrderedByFamilyThenNumber() throws {
    let texts = ["10.0.0.2", "::1", "9.0.0.1", "fd00::1", "10.0.0.1"]
    let sorted = try texts.map { try #require(IPAddress($0)) }.sorted().map(\.description)
    #expect(sorted == ["9.0.0.1", "10.0.0.1", "10.0.0.2", "::1", "fd00::1"])
  }

  /// Few and many, sorted and not, with repetitions, at the ends of what there is.
  @Test(arguments: [0, 1, 2, 500, 5000]) func distinctAddressesAreThoseOfASetInOrder(_ count: Int) {
    var state: UInt64 = 42
    func next() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return state >> 11
    }
    var addresses: [IPAddress] = (0..<count).map { index in
      index % 3 == 0
        ? .v6(next() % 3, next()) : .v4(UInt32(truncatingIfNeeded: index % 2 == 0 ? next() : next() % 1000))
    }
    if count > 1 { addresses += [.v4(0), .v4(.max), .v6(.max, .max), .v6(0, 0), addresses[0], addresses[1]] }
    #expect(IPAddress.distinct(addresses) == Set(addresses).sorted())
    #expect(IPAddress.distinct(addresses.sorted()) == Set(addresses).sorted())
  }
}
