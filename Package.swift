// swift-tools-version: 6.2
// The plan of the house: one target a room, and a room imports only from the floors below it (docs/architecture.md).
import PackageDescription

let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .treatAllWarnings(as: .error),
]

/// Rooms that hold values and decisions only: no pointer, no C.
let pure: [SwiftSetting] = strict + [.strictMemorySafety()]

/// A C library from Debian, found through pkg-config.
func system(_ name: String, _ pkgConfig: String, apt: String) -> Target {
  .systemLibrary(name: name, path: "Sources/System/\(name)", pkgConfig: pkgConfig, providers: [.apt([apt])])
}

func room(_ name: String, on below: [String], _ settings: [SwiftSetting] = strict) -> Target {
  .target(name: name, dependencies: below.map { .init(stringLiteral: $0) }, swiftSettings: settings)
}

func tests(_ name: String, on rooms: [String], resources: [Resource] = []) -> Target {
  .testTarget(
    name: name, dependencies: rooms.map { .init(stringLiteral: $0) }, resources: resources, swiftSettings: strict)
}

let package = Package(
  name: "blackstart",
  products: [
    .executable(name: "blackstart", targets: ["blackstart"]),
    .library(name: "Netlink", targets: ["Netlink"]),
  ],
  targets: [
    // Floor 0: C libraries, and the one C target for what Swift cannot import.
    system("CMnl", "libmnl", apt: "libmnl-dev"),
    system("CNftnl", "libnftnl", apt: "libnftnl-dev"),
    system("CNlRoute", "libnl-route-3.0", apt: "libnl-route-3-dev"),
    system("CPq", "libpq", apt: "libpq-dev"),
    system("CYaml", "yaml-0.1", apt: "libyaml-dev"),
    system("CSQLite", "sqlite3", apt: "libsqlite3-dev"),
    system("CCurl", "libcurl", apt: "libcurl4-openssl-dev"),
    system("CCrypto", "libcrypto", apt: "libssl-dev"),
    system("CSSL", "libssl", apt: "libssl-dev"),
    system("CZstd", "libzstd", apt: "libzstd-dev"),
    system("CAres", "libcares", apt: "libc-ares-dev"),
    system("CFuse", "fuse3", apt: "libfuse3-dev"),
    system("CRdKafka", "rdkafka", apt: "librdkafka-dev"),
    .target(name: "CKernel"),

    // Floor 1
    room("Support", on: ["CKernel", "CCrypto"]),
    room("Netlink", on: ["CKernel", "CMnl", "CNlRoute"]),
    room("Events", on: ["CZstd"]),
    room("KafkaWire", on: [], pure),
    room("PassThrough", on: ["CKernel", "CFuse", "Support"]),

    // Floor 2
    room("Faults", on: ["CKernel", "CAres", "Netlink", "PassThrough", "Support"]),
    room("Scenarios", on: ["CYaml", "Support"]),
    room("Checks", on: ["Events", "KafkaWire", "Support"], pure),

    // Floor 3
    room("Agents", on: ["Faults", "Netlink", "Support"]),
    room("Guards", on: ["CKernel", "CSSL", "KafkaWire", "Support"]),
    room("Stacks", on: ["CPq", "CCurl", "CRdKafka", "Events", "KafkaWire", "Support"]),

    // Floor 4
    room("Lab", on: ["Faults", "Stacks", "Netlink", "Support"]),
    room("Workload", on: ["Stacks", "Events", "Support"], pure),

    // Floor 5
    room(
      "Drill",
      on: [
        "Lab", "Workload", "Agents", "Guards", "Stacks", "Faults", "Scenarios", "Checks", "Events", "KafkaWire",
        "Netlink", "PassThrough", "Support",
      ]),

    // Floor 6
    room("Reports", on: ["CSQLite", "Drill", "Checks", "Scenarios", "Events", "Support"]),

    // Floor 7
    .executableTarget(
      name: "blackstart",
      dependencies: [
        "Reports", "Drill", "Lab", "Agents", "Guards", "Stacks", "Faults", "Scenarios", "Checks", "Events", "KafkaWire",
        "Netlink", "Support",
      ],
      swiftSettings: strict),
    .executableTarget(
      name: "Benchmarks",
      dependencies: [
        "CSQLite", "CRdKafka", "Drill", "Lab", "Stacks", "Workload", "Agents", "Faults", "Guards", "PassThrough",
        "Scenarios",
        "Checks", "Events",
        "Netlink",
        "Support",
      ], path: "Benchmarks", swiftSettings: strict),

    .target(name: "TestSupport", path: "Tests/TestSupport", swiftSettings: strict),
    .target(
      name: "TestBrokers", dependencies: ["Stacks", "Support", "TestSupport"], path: "Tests/TestBrokers",
      swiftSettings: strict),
    tests("SupportTests", on: ["Support", "TestSupport"]),
    tests("NetlinkTests", on: ["Netlink", "CNftnl", "CMnl"]),
    tests("EventsTests", on: ["Events"]),
    tests("KafkaWireTests", on: ["KafkaWire"], resources: [.copy("Refusals")]),
    tests("FaultsTests", on: ["Faults", "Netlink", "PassThrough", "Support"]),
    tests("AgentsTests", on: ["Agents", "Faults", "Netlink", "Support"]),
    tests("ScenariosTests", on: ["Scenarios", "Support"], resources: [.copy("Golden")]),
    tests("ChecksTests", on: ["Checks", "Events", "KafkaWire", "Support", "TestSupport"]),
    tests(
      "GuardsTests", on: ["Guards", "KafkaWire", "Stacks", "Support", "TestSupport"], resources: [.copy("Clients")]),
    tests("StacksTests", on: ["Stacks", "KafkaWire", "Netlink", "Support", "Events", "TestBrokers", "TestSupport"]),
    tests("LabTests", on: ["Checks", "Faults", "KafkaWire", "Lab", "Stacks", "Netlink", "Support", "TestSupport"]),
    tests("WorkloadTests", on: ["Workload", "Events", "Support"]),
    tests(
      "DrillTests",
      on: [
        "Drill", "Lab", "Agents", "Stacks", "Faults", "Netlink", "PassThrough", "Scenarios", "Checks", "Events",
        "Support", "Workload",
        "TestBrokers", "TestSupport",
      ]),
    tests("ReportsTests", on: ["Reports", "Drill", "Checks", "Scenarios", "Events", "Support", "TestSupport"]),
    tests("CommandTests", on: ["CKernel", "Faults", "Netlink", "PassThrough", "Support", "TestSupport"]),
  ]
)
