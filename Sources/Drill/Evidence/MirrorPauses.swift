internal import Checks
internal import Scenarios

/// When a runbook had stopped mirrors: from the moment at which a step, or what takes one back, began to stop one to that at which
/// another was seen to have let it go on. Pure.
///
/// A mirror that was not let go on again is not among them: whoever forgets that is to be told.
func mirrorPauses(_ steps: [RunbookStep], _ changes: [(time: Int64, event: StepChanged)]) -> [MirrorPause] {
  let steps = Dictionary(steps.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
  var began: [MirrorLink: Int64] = [:]
  var pauses: [MirrorPause] = []
  for (time, change) in changes {
    let step = steps[change.step]
    switch change.state {
    case .acting, .undoing:
      // Tried again, or stopped where it was paused already: from the first on.
      guard let link = (change.state == .acting ? step?.action : step?.undo)?.stoppedMirror else { continue }
      began[link] = began[link] ?? time
    case .done, .undone:
      guard case .resumeMirror(let link) = change.state == .done ? step?.action : step?.undo,
        let begin = began.removeValue(forKey: link)
      else { continue }
      pauses.append(MirrorPause(MirrorDirection(from: link.from, to: link.to), began: begin, ended: time))
    case .approving, .checking, .verifying, .resting, .gating, .failed: break
    }
  }
  return pauses
}

extension RunbookAction {
  fileprivate var stoppedMirror: MirrorLink? {
    switch self {
    case .pauseMirror(let link), .kafka(.stopMirror(let link)): link
    default: nil
    }
  }
}
