internal import Glibc
internal import Lab
internal import Support

/// The standard lab, up and down.
let labMeasure = Measure(
  name: "lab", summary: "three regions with real etcd, PostgreSQL and control planes, up until all are ready, and down"
) { bench in
  let tool = try toolPath(bench.tool)
  var cold = Samples()
  var up = Samples()
  var down = Samples()
  for run in 0...bench.size(quick: 1, full: 15) {
    let surroundings = LabSurroundings(
      stateDirectory: "\(bench.workspace)/state", logsDirectory: "\(bench.workspace)/logs-\(run)", program: tool)
    let start = Timebase.system.monotonic()
    let lab = try await Lab.up(.standard(id: "bench\(getpid())"), surroundings)
    let isUp = Timebase.system.monotonic()
    try await lab.down()
    let isDown = Timebase.system.monotonic()
    // The first one makes the database template too.
    if run == 0 { cold.add(isUp - start) } else { up.add(isUp - start) }
    down.add(isDown - isUp)
  }
  return [
    Figure(what: "up, database template made first", samples: cold, base: up),
    Figure(what: "up", samples: up, base: up, note: "3 etcd, 2 PostgreSQL, 3 control planes"),
    Figure(what: "down", samples: down, base: up),
  ]
}
