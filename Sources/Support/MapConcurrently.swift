internal import Dispatch
internal import Synchronization

extension RandomAccessCollection where Self: Sendable, Element: Sendable, Index == Int {
  /// Maps on all processors, for work without waiting whose elements have nothing to do with each other. Few elements are mapped
  /// one after the other, for a thread costs more than they do.
  ///
  /// - Parameter transform: called from any thread, in any order, but on all elements before the first that it throws for.
  /// - Returns: the results, in the order of the elements.
  /// - Throws: what `transform` throws for the first element that it throws for.
  public func mapConcurrently<Result: Sendable, Failure: Error>(
    _ transform: @Sendable (Element) throws(Failure) -> Result
  ) throws(Failure) -> [Result] {
    let length = 64
    guard count > length else {
      var results: [Result] = []
      for element in self { results.append(try transform(element)) }
      return results
    }
    let parts = Mutex<[Int: Swift.Result<[Result], Failure>]>([:])
    DispatchQueue.concurrentPerform(iterations: (count + length - 1) / length) { part in
      var results: [Result] = []
      var outcome: Swift.Result<[Result], Failure>?
      for index in (startIndex + part * length)..<Swift.min(endIndex, startIndex + (part + 1) * length) {
        do throws(Failure) { results.append(try transform(self[index])) } catch {
          outcome = .failure(error)
          break
        }
      }
      let done = outcome ?? .success(results)
      parts.withLock { $0[part] = done }
    }
    var all: [Result] = []
    all.reserveCapacity(count)
    for (_, part) in parts.withLock({ $0 }).sorted(by: { $0.key < $1.key }) { all += try part.get() }
    return all
  }
}
