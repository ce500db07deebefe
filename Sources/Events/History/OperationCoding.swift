/// Writes or reads the fields of operations. One description of the format serves both ways, so they cannot differ.
protocol OperationCoder {
  associatedtype Failure: Error

  /// The kind and the process, which every operation has.
  mutating func identity(_ op: inout Operation) throws(Failure)
  /// The optional fields that there are, where `expected` is what one expects.
  mutating func presence(_ present: inout UInt32, _ expected: UInt32) throws(Failure)
  /// Whether an optional field is there.
  func has(_ field: OperationField) -> Bool
  /// A number that is `expected` unless the mask says otherwise.
  mutating func number<T: FixedWidthInteger>(_ value: inout T, _ expected: T, _ field: OperationField) throws(Failure)
  /// 64 bits that follow no rule, equal to `expected` unless the mask says otherwise.
  mutating func bits(_ value: inout UInt64, _ expected: UInt64, _ field: OperationField) throws(Failure)
  /// How the operation ended.
  mutating func outcome(_ value: inout Outcome, _ expected: Outcome) throws(Failure)
  /// A time, by its distance from `base`.
  mutating func time(_ value: inout Int64, from base: Int64, _ column: UInt8) throws(Failure)
}

extension OperationCoder {
  /// A number that may be absent; then there is nothing to pass.
  @inline(__always)
  mutating func optional<T: FixedWidthInteger>(
    _ value: inout T, _ expected: @autoclosure () -> T, _ field: OperationField
  ) throws(Failure) {
    if has(field) { try number(&value, expected(), field) }
  }
}

/// Passes one operation through `coder`, field by field, each against what `context` expects.
///
/// The order matters: a field's expectation may rest on the fields before it. Absent fields hold 0, so they serve as
/// expectations, too.
@inline(__always)
func transfer<C: OperationCoder, Block: RandomAccessCollection<Operation>>(
  _ op: inout Operation, _ coder: inout C, _ context: borrowing OperationContext, _ operations: Block
) throws(C.Failure) where Block.Index == Int {
  try coder.identity(&op)
  let blank = OperationContext.blank
  // The same worker most often does the same again.
  let last = context.last(of: op, in: operations).map { operations[$0] } ?? blank
  try coder.presence(&op.presence, last.presence)

  try coder.number(&op.node.rawValue, last.node.rawValue, .node)
  try coder.number(&op.region.rawValue, last.region.rawValue, .region)
  try coder.optional(&op.rawOrigin, last.rawOrigin, .origin)
  try coder.optional(&op.rawGroup, last.rawGroup, .group)
  try coder.optional(&op.rawMember, last.rawMember, .member)
  try coder.optional(&op.rawGeneration, last.rawGeneration, .generation)
  try coder.optional(&op.rawIncarnation, last.rawIncarnation, .incarnation)
  try coder.optional(&op.rawCall, context.nextCall(of: op.process), .call)
  try coder.optional(&op.rawTransaction, last.rawTransaction, .transaction)

  try coder.optional(&op.rawPartition, last.rawPartition, .partition)
  let inLog = context.lastInLog(op, in: operations)
  // A log is written, and read, in order.
  try coder.optional(&op.rawPosition, inLog.map { operations[$0].rawPosition &+ 1 } ?? 0, .position)
  try transferEvent(&op, &coder, context, operations, last)
  try coder.optional(&op.rawCommitted, inLog.map { operations[$0].rawCommitted } ?? last.rawCommitted, .committed)

  try coder.optional(&op.rawToken, last.rawToken, .token)
  try coder.optional(&op.rawLeaderEpoch, last.rawLeaderEpoch, .leaderEpoch)
  try coder.optional(&op.rawProducerEpoch, last.rawProducerEpoch, .producerEpoch)
  try coder.optional(&op.rawLease, last.rawLease, .lease)
  try coder.optional(&op.rawTTL, last.rawTTL, .ttl)
  try coder.optional(&op.rawValue, last.rawValue, .value)
  try coder.optional(&op.rawExpected, last.rawExpected, .expected)
  try transferTimes(&op, &coder, context)
  try coder.outcome(&op.outcome, last.outcome)
  // A lease, and a node's clock, run beside ours.
  try coder.optional(&op.rawLeaseEnd, op.invoked &+ last.rawLeaseEnd &- last.invoked, .leaseEnd)
  try coder.optional(&op.rawWall, op.invoked &+ last.rawWall &- last.invoked, .wall)
  try coder.optional(&op.rawWallUncertainty, last.rawWallUncertainty, .wallUncertainty)
}

/// The event, and what belongs to it wherever it is met.
@inline(__always)
private func transferEvent<C: OperationCoder, Block: RandomAccessCollection<Operation>>(
  _ op: inout Operation, _ coder: inout C, _ context: borrowing OperationContext, _ operations: Block,
  _ last: Operation
) throws(C.Failure) where Block.Index == Int {
  // Who reads a place of a log finds what was written there.
  let written = context.lastAtPlace(op, in: operations).map { operations[$0].event }
  try coder.number(&op.producer, (written ?? last.event).producer, .producer)
  let next: UInt64
  if let written, written.producer == op.producer {
    next = written.sequence
  } else if op.producer == .max {
    // An operation without an event is followed by another.
    next = .max
  } else {
    next = context.lastOfProducer(op, op.producer, in: operations).map { operations[$0].sequence &+ 1 } ?? 0
  }
  try coder.number(&op.sequence, next, .sequence)

  if let known = context.last(on: op.event, in: operations) {
    try coder.number(&op.key, operations[known].key, .key)
    try coder.number(&op.keySequence, operations[known].keySequence, .keySequence)
    if coder.has(.checksum) { try coder.bits(&op.rawChecksum, operations[known].rawChecksum, .checksum) }
    if coder.has(.keyHash) { try coder.bits(&op.rawKeyHash, operations[known].rawKeyHash, .keyHash) }
    try coder.optional(&op.rawKeyClass, operations[known].rawKeyClass, .keyClass)
  } else {
    try coder.number(&op.key, last.key, .key)
    let ofKey = context.last(on: op.key, in: operations)
    try coder.number(&op.keySequence, ofKey.map { operations[$0].keySequence &+ 1 } ?? 0, .keySequence)
    if coder.has(.checksum) { try coder.bits(&op.rawChecksum, 0, .checksum) }
    if coder.has(.keyHash) { try coder.bits(&op.rawKeyHash, ofKey.map { operations[$0].rawKeyHash } ?? 0, .keyHash) }
    try coder.optional(&op.rawKeyClass, ofKey.map { operations[$0].rawKeyClass } ?? last.rawKeyClass, .keyClass)
  }
}

/// Operations stand in the order in which they ended, so ends are close to each other.
@inline(__always)
private func transferTimes<C: OperationCoder>(
  _ op: inout Operation, _ coder: inout C, _ context: borrowing OperationContext
) throws(C.Failure) {
  guard coder.has(.presence) else {
    return try coder.time(&op.invoked, from: context.previous.time, OperationField.Every.time)
  }
  try coder.time(&op.rawCompleted, from: context.previous.time, OperationField.Every.time)
  // Steps of one call began together.
  let together = coder.has(.call) && op.rawCall == context.previous.call && op.rawCompleted == context.previous.time
  try coder.time(
    &op.invoked, from: together ? context.previous.invoked : op.rawCompleted, OperationField.Every.duration)
}
