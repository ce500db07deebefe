import Faults
import PassThrough
import Scenarios
import Testing

@testable import Drill

/// Disks in a scenario's words become disks in the words of the fault engine, and say what the lab must be made with.
@Suite struct DisturbedDisksTests {
  private static func fault(_ files: DisturbedFiles, restart: Duration? = nil) -> FaultSpecification {
    .disk(
      DiskFault(
        region: "eu", processes: .role(.store), includesDescendants: true, effect: .files(files), restart: restart))
  }

  private static func rules(_ fault: FaultSpecification) -> DirectoryRules? {
    guard case .disk(.files(let rules)) = fault.inside.first?.effect else { return nil }
    return rules
  }

  @Test func everyOperationHasItsName() {
    #expect(DisturbedFiles.Operation.allCases.map(\.rawValue) == FileOperation.allCases.map(\.rawValue))
    #expect(Set(DisturbedFiles.Operation.needRoom.map(\.rawValue)) == Set(FileOperation.needRoom.map(\.rawValue)))
    #expect(DisturbedFiles.Failure.allCases.map(\.rawValue) == FileError.allCases.map(\.rawValue))
    let all = Self.rules(
      Self.fault(
        DisturbedFiles(
          files: ["**"], operations: DisturbedFiles.Operation.allCases, probability: .all, effect: .fails(.stale))))
    #expect(all?.rules.map(\.operations) == [Set(FileOperation.allCases)])
    #expect(all?.rules.map(\.effect) == [.fail(.stale)])
  }

  @Test func eachPatternIsARuleOfTheStore() {
    let late = Self.fault(
      DisturbedFiles(
        files: ["pg_wal/**", "base/*"], operations: [.fsync], probability: Percentage(partsPerMillion: 250_000),
        effect: .late(DisturbedFiles.DurationSpread(.milliseconds(20), jitter: .milliseconds(5)))))
    let rule = { (pattern: String) in
      FileRule(
        paths: PathPattern(pattern), operations: [.fsync], probability: 0.25,
        effect: .latency(FileLatency(.milliseconds(20), jitter: .milliseconds(5))))
    }
    #expect(Self.rules(late) == DirectoryRules("store", [rule("pg_wal/**"), rule("base/*")]))
    #expect(late.inside.map(\.processes) == [nil])
    #expect(late.preparedRegion == "eu")
    #expect(late.endings.isEmpty, "who is late does not end")
  }

  @Test func damageIsPermittedOnlyToWhatLeavesIt() {
    func effect(_ effect: DisturbedFiles.Effect) -> DirectoryRules? {
      Self.rules(
        Self.fault(DisturbedFiles(files: ["**"], operations: [.write], probability: .all, effect: effect)))
    }
    #expect(effect(.torn(.success))?.rules.map(\.effect) == [.tornWrite(reports: .success)])
    #expect(effect(.torn(.error))?.rules.map(\.effect) == [.tornWrite(reports: .inputOutputError)])
    #expect(effect(.torn(.error))?.permitsDamage == true)
    #expect(effect(.unsynced)?.rules.map(\.effect) == [.unsynced])
    #expect(effect(.unsynced)?.permitsDamage == false)
  }

  @Test func aStoreThatEndsByItsDiskIsPartOfTheDrill() {
    let full = Self.fault(
      DisturbedFiles(files: ["**"], operations: [.extend], probability: .all, effect: .fails(.noSpace)),
      restart: .seconds(2))
    #expect(full.endings.map(\.region) == ["eu"])
    #expect(full.endings.map(\.server) == [.store])
    #expect(full.endings.map(\.restart) == [.seconds(2)])
  }

  /// Groups are only made where a fault is of them.
  @Test func onlyFaultsOfGroupsAskForGroups() {
    func process(_ action: ProcessFault.Action) -> OwnedGroups.Use? {
      FaultSpecification.process(
        ProcessFault(region: "eu", processes: .role(.etcd), includesDescendants: false, action: action)
      ).groupUse
    }
    #expect(process(.throttle(.all)) == .processor)
    #expect(process(.squeeze(ByteSize(bytes: 1 << 24))) == .memory)
    #expect(process(.pause(.freezer)) == .freezer)
    #expect(process(.pause(.stop)) == nil && process(.pause(nil)) == nil && process(.kill) == nil)
    let limit = FaultSpecification.disk(
      DiskFault(
        region: "ap", processes: .role(.etcd), includesDescendants: false,
        effect: .limit(LimitedDisk(readBytes: nil, writeBytes: ByteSize(bytes: 1 << 20), reads: nil, writes: 5))))
    #expect(limit.groupUse == .disk && limit.preparedRegion == nil && limit.endings.isEmpty)
    #expect(limit.inside.map(\.effect) == [.disk(.limit(DiskLimit("region", writeBytes: 1 << 20, writes: 5)))])
    #expect(limit.inside.map(\.processes) == [ProcessSelector(.role("etcd"))])
  }
}
