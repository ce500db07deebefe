/// Writes or reads the fields of operations. One description of the format serves both ways, so they cannot differ.
protocol OperationCoder {
  associatedtype Failure: Error

  /// The kind and the process, which every operation has.
  mutating func identity(_ op: inout Operation) throws(Failure)
  /// The optional fields that there are, where `expected` is what one expects.
  mutating func presence(expected: UInt32) throws(Failure)
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
  @inline(__always)
  mutating func optional<T: FixedWidthInteger>(
    _ value: inout T?, _ expected: @autoclosure () -> T?, _ field: OperationField
  ) throws(Failure) {
    guard has(field) else { return }
    var number = value ?? 0
    try self.number(&number, expected() ?? 0, field)
    value = number
  }

  @inline(__always)
  mutating func optional<I: RawRepresentable>(
    _ value: inout I?, _ expected: @autoclosure () -> I?, _ field: OperationField, _ make: (I.RawValue) -> I
  ) throws(Failure) where I.RawValue: FixedWidthInteger {
    guard has(field) else { return }
    var number = value?.rawValue ?? 0
    try self.number(&number, expected()?.rawValue ?? 0, field)
    value = make(number)
  }

  @inline(__always)
  mutating func optionalBits(
    _ value: inout UInt64?, _ expected: @autoclosure () -> UInt64?, _ field: OperationField
  ) throws(Failure) {
    guard has(field) else { return }
    var number = value ?? 0
    try bits(&number, expected() ?? 0, field)
    value = number
  }
}

/// Passes one operation through `coder`, field by field, each against what `context` expects.
///
/// The order matters: a field's expectation may rest on the fields before it.
@inline(__always)
func transfer<C: OperationCoder>(
  _ op: inout Operation, _ coder: inout C, _ context: OperationContext, _ operations: [Operation], previous: Int
) throws(C.Failure) {
  try coder.identity(&op)
  let blank = OperationContext.blank
  // The same worker most often does the same again.
  let last = context.last(of: op, in: operations).map { operations[$0] } ?? blank
  let before = previous >= 0 ? operations[previous] : blank
  try coder.presence(expected: last.presence)

  try coder.number(&op.node.rawValue, last.node.rawValue, .node)
  try coder.number(&op.region.rawValue, last.region.rawValue, .region)
  try coder.optional(&op.origin, last.origin, .origin, NodeIndex.init)
  try coder.optional(&op.group, last.group, .group, GroupIndex.init)
  try coder.optional(&op.member, last.member, .member, MemberIndex.init)
  try coder.optional(&op.generation, last.generation, .generation)
  try coder.optional(&op.incarnation, last.incarnation, .incarnation)
  // The records of one call follow each other; a new call has the next number.
  let nextCall = before.process == op.process && before.call != nil ? before.call : context.lastCall &+ 1
  try coder.optional(&op.call, nextCall, .call)
  try coder.optional(&op.transaction, last.transaction, .transaction)

  try coder.optional(&op.partition, last.partition, .partition, PartitionIndex.init)
  let inLog = context.lastInLog(op, in: operations)
  // A log is written, and read, in order.
  try coder.optional(&op.position, inLog.flatMap { operations[$0].position }.map { $0 &+ 1 }, .position)
  try transferEvent(&op, &coder, context, operations, last)
  try coder.optional(&op.committed, inLog.flatMap { operations[$0].committed } ?? last.committed, .committed)

  try coder.optional(&op.token, last.token, .token)
  try coder.optional(&op.leaderEpoch, last.leaderEpoch, .leaderEpoch)
  try coder.optional(&op.producerEpoch, last.producerEpoch, .producerEpoch)
  try coder.optional(&op.lease, last.lease, .lease)
  try coder.optional(&op.ttl, last.ttl, .ttl)
  try coder.optional(&op.value, last.value, .value)
  try coder.optional(&op.expected, last.expected, .expected)
  try transferTimes(&op, &coder, context, before)
  try coder.outcome(&op.outcome, last.outcome)
  // A lease, and a node's clock, run beside ours.
  try coder.optional(&op.leaseEnd, op.invoked &+ (last.leaseEnd ?? 0) &- last.invoked, .leaseEnd)
  try coder.optional(&op.wall, op.invoked &+ (last.wall ?? 0) &- last.invoked, .wall)
  try coder.optional(&op.wallUncertainty, last.wallUncertainty, .wallUncertainty)
}

/// The event, and what belongs to it wherever it is met.
@inline(__always)
private func transferEvent<C: OperationCoder>(
  _ op: inout Operation, _ coder: inout C, _ context: OperationContext, _ operations: [Operation], _ last: Operation
) throws(C.Failure) {
  // Who reads a place of a log finds what was written there.
  let written = context.lastAtPlace(op, in: operations).map { operations[$0].event }
  try coder.number(&op.event.producer, (written ?? last.event).producer, .producer)
  let next: UInt64
  if let written, written.producer == op.event.producer {
    next = written.sequence
  } else if let place = context.lastOfProducer(op, op.event.producer, in: operations) {
    // An operation without an event is followed by another.
    next = op.event.producer == .max ? .max : operations[place].event.sequence &+ 1
  } else {
    next = op.event.producer == .max ? .max : 0
  }
  try coder.number(&op.event.sequence, next, .sequence)

  let known = context.last(on: op.event, in: operations).map { operations[$0] }
  try coder.number(&op.key, (known ?? last).key, .key)
  let ofKey = known == nil ? context.last(on: op.key, in: operations) : nil
  let expected = known?.keySequence ?? ofKey.map { operations[$0].keySequence &+ 1 } ?? 0
  try coder.number(&op.keySequence, expected, .keySequence)
  try coder.optionalBits(&op.checksum, known?.checksum, .checksum)
  try coder.optionalBits(&op.keyHash, known?.keyHash ?? ofKey.flatMap { operations[$0].keyHash }, .keyHash)
  try coder.optional(
    &op.keyClass, known?.keyClass ?? ofKey.flatMap { operations[$0].keyClass } ?? last.keyClass, .keyClass,
    KeyClassIndex.init)
}

/// Operations stand in the order in which they ended, so ends are close to each other.
@inline(__always)
private func transferTimes<C: OperationCoder>(
  _ op: inout Operation, _ coder: inout C, _ context: OperationContext, _ before: Operation
) throws(C.Failure) {
  guard coder.has(.presence) else {
    return try coder.time(&op.invoked, from: context.lastTime, OperationField.Every.time)
  }
  var completed = op.completed ?? 0
  try coder.time(&completed, from: context.lastTime, OperationField.Every.time)
  op.completed = completed
  // Steps of one call began together.
  let together = op.call != nil && op.call == before.call && completed == before.completed
  try coder.time(&op.invoked, from: together ? before.invoked : completed, OperationField.Every.duration)
}
