/// What an operation was. Numbers are those of the history file and stay for ever.
public enum OperationKind: UInt8, Sendable, Hashable, Codable, CaseIterable {
  /// A producer wrote an event with the token it believes to be current.
  case append = 1
  /// A writer tried the token it was given on purpose: an old leader's, or one never granted.
  case staleAppend = 2
  /// A tail of a store's log saw the event at a local position.
  case observe = 3
  /// A consumer group applied the event, or was given it again and refused.
  case apply = 4

  /// A consumer was given the event at a position of a partition. Without an event: the call gave nothing.
  case poll = 5
  /// A producer opened a transaction.
  case beginTransaction = 6
  /// A producer asked for its transaction to be committed.
  case commitTransaction = 7
  /// A producer asked for its transaction to be aborted.
  case abortTransaction = 8
  /// A consumer's set of partitions was replaced: one operation a partition, all of one call. Without a partition: none.
  case assign = 9
  /// A consumer asked for a set of topics, as ``assign`` for partitions; who gets which is the group's decision.
  case subscribe = 10
  /// A consumer lost a partition.
  case revoke = 11
  /// A group's position in a partition was committed: ``Operation/committed`` is the next position to read.
  case commitPosition = 12
  /// A member of a group was done with the event and will not need it again.
  case process = 13

  /// Somebody asked for leadership and got it, or not.
  case acquire = 14
  /// A leader kept its lease alive.
  case renew = 15
  /// A leader gave its lease back.
  case release = 16
  /// A leader noticed that it leads no longer.
  case lose = 17

  /// A register was read: ``Operation/value`` is what stood there, absent when there was nothing.
  case read = 18
  /// ``Operation/value`` was written to a register, or to a fenced resource with a token.
  case write = 19
  /// ``Operation/value`` was written to a register if ``Operation/expected`` stood there.
  case compareAndSet = 20
}
