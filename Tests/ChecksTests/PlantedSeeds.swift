import FoundationEssentials

/// With how many seeds each planted error is tried; `BLACKSTART_SEEDS` asks for more than a run of the suite has time for.
let plantedSeeds = 0..<(UInt64(ProcessInfo.processInfo.environment["BLACKSTART_SEEDS"] ?? "") ?? 8)

/// Seeds of the clean records that must show nothing. The same generators are asked for a thousand of each family by
/// `verify --self-test`, which scripts/test-drills runs in a release build, where it takes a second and not a minute.
let cleanSeeds = 0..<(UInt64(ProcessInfo.processInfo.environment["BLACKSTART_CLEAN_SEEDS"] ?? "") ?? 100)
