internal import Glibc
internal import Support

/// Runs `body` with the calling thread scheduled before all ordinary ones (SCHED_RR), so that the watcher's own waiting
/// for a processor is not counted as the kernel's. Nothing is started within: it would inherit the priority. `body` calls
/// ``breathe()`` again and again, or those that it watches could not run on this processor.
///
/// - Throws: ``SystemError`` where the machine does not allow it, or what `body` throws.
func inRealTime<T>(_ body: () throws -> T) throws -> T {
  var priority = sched_param()
  priority.sched_priority = 10
  guard sched_setscheduler(0, SCHED_RR, &priority) == 0 else { throw SystemError("sched_setscheduler") }
  let outcome = Result { try body() }
  priority.sched_priority = 0
  guard sched_setscheduler(0, SCHED_OTHER, &priority) == 0 else { throw SystemError("sched_setscheduler") }
  return try outcome.get()
}

/// Leaves the processor to others for some 100 µs, the resolution of what is watched.
func breathe() {
  usleep(50)
}
