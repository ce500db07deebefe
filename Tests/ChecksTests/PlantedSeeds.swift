import FoundationEssentials

/// With how many seeds each planted error is tried; `BLACKSTART_SEEDS` asks for more than a run of the suite has time for.
let plantedSeeds = 0..<(UInt64(ProcessInfo.processInfo.environment["BLACKSTART_SEEDS"] ?? "") ?? 8)
