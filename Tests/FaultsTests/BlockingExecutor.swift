import Dispatch

/// Runs a test on threads of its own. Tests with real traffic wait for it, and two that wait on the cooperative pool of a
/// machine with two processors stop every other test, time-outs included.
final class BlockingExecutor: TaskExecutor {
  private let queue = DispatchQueue(label: "test that blocks", attributes: .concurrent)

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
  }
}
