/// Which transaction depends on which: a reader on the writer of what it read and, where that is asked for, a writer on the one
/// whose record stands before its own.
///
/// - SeeAlso: A. Adya, "Weak Consistency", 1999 (G0, G1c); R. Tarjan, "Depth-First Search and Linear Graph Algorithms", 1972.
struct TransactionGraph {
  struct Cycle {
    /// Each depends on the one before it, and the first on the last.
    var nodes: [Int]
    /// Whether writes alone make the cycle.
    var onlyWrites: Bool
    /// For each step, the record it goes by.
    var records: [RecordID]
  }

  private struct Edge {
    var to: Int
    var isWrite: Bool
    var record: RecordID
  }

  private var edges: [[Edge]]

  /// The graph of `entries`; `offset` finds the offset of a record where it was not told.
  init(
    _ entries: [TransactionBook.Entry], orderingWrites: Bool,
    offset: (RecordID, LogPlace) -> Int64?
  ) {
    edges = Array(repeating: [], count: entries.count)
    var writer: [RecordID: Int] = [:]
    for (node, entry) in entries.enumerated() { for send in entry.sends { writer[send.id] = node } }
    for (node, entry) in entries.enumerated() {
      for id in entry.polls {
        if let from = writer[id], from != node { edges[from].append(Edge(to: node, isWrite: false, record: id)) }
      }
    }
    guard orderingWrites else { return }
    var logs: [UInt16: [(offset: Int64, node: Int, id: RecordID)]] = [:]
    for (node, entry) in entries.enumerated() {
      for send in entry.sends {
        if let offset = offset(send.id, send.place) {
          logs[send.place.log, default: []].append((offset, node, send.id))
        }
      }
    }
    for (_, writes) in logs.sorted(by: { $0.key < $1.key }) {
      let ordered = writes.sorted { ($0.offset, $0.id) < ($1.offset, $1.id) }
      for (before, after) in zip(ordered, ordered.dropFirst()) where before.node != after.node {
        edges[before.node].append(Edge(to: after.node, isWrite: true, record: after.id))
      }
    }
  }

  /// One cycle of writes alone and one with a read for each knot of transactions that has them, if a transaction from `first`
  /// on is part of the knot.
  mutating func cycles(from first: Int) -> [Cycle] {
    var found: [Cycle] = []
    for knot in knots({ $0.isWrite }) where knot.contains(where: { $0 >= first }) {
      if let cycle = shortest(in: Set(knot), starting: { $0.isWrite }, through: { $0.isWrite }) { found.append(cycle) }
    }
    for knot in knots({ _ in true }) where knot.contains(where: { $0 >= first }) {
      if let cycle = shortest(in: Set(knot), starting: { !$0.isWrite }, through: { _ in true }) { found.append(cycle) }
    }
    return found
  }

  /// The strongly connected components of more than one node, over the edges that `counts`. Without recursion, since a chain of
  /// transactions may be longer than the stack.
  private func knots(_ counts: (Edge) -> Bool) -> [[Int]] {
    var index = Array(repeating: -1, count: edges.count)
    var low = index
    var onStack = Array(repeating: false, count: edges.count)
    var stack: [Int] = []
    var next = 0
    var found: [[Int]] = []
    for root in edges.indices where index[root] < 0 {
      var path: [(node: Int, edge: Int)] = [(root, 0)]
      while let (node, edge) = path.last {
        if edge == 0 && index[node] < 0 {
          index[node] = next
          low[node] = next
          next += 1
          stack.append(node)
          onStack[node] = true
        }
        if edge < edges[node].count {
          path[path.count - 1].edge += 1
          let to = edges[node][edge].to
          if !counts(edges[node][edge]) { continue }
          if index[to] < 0 {
            path.append((to, 0))
          } else if onStack[to] {
            low[node] = min(low[node], index[to])
          }
          continue
        }
        path.removeLast()
        if let parent = path.last?.node { low[parent] = min(low[parent], low[node]) }
        guard low[node] == index[node] else { continue }
        var knot: [Int] = []
        while let member = stack.popLast() {
          onStack[member] = false
          knot.append(member)
          if member == node { break }
        }
        if knot.count > 1 { found.append(knot.sorted()) }
      }
    }
    return found
  }

  /// A short cycle within a knot (the shortest through its first nodes) whose first step is `starting`, and the others `through`.
  private func shortest(in knot: Set<Int>, starting: (Edge) -> Bool, through: (Edge) -> Bool) -> Cycle? {
    var best: Cycle?
    for from in knot.sorted().prefix(16) {
      for start in edges[from] where knot.contains(start.to) && starting(start) {
        guard let rest = path(from: start.to, to: from, in: knot, through) else { continue }
        if best.map({ rest.count + 1 < $0.nodes.count }) ?? true {
          let steps = [start] + rest
          best = Cycle(
            nodes: [from] + steps.dropLast().map(\.to),
            onlyWrites: steps.allSatisfy(\.isWrite), records: steps.map(\.record))
        }
        if best?.nodes.count == 2 { return best }
      }
    }
    return best
  }

  private func path(from: Int, to: Int, in knot: Set<Int>, _ counts: (Edge) -> Bool) -> [Edge]? {
    var cameBy: [Int: (node: Int, edge: Edge)] = [:]
    var queue = [from]
    var head = 0
    while head < queue.count {
      let node = queue[head]
      head += 1
      if node == to {
        var steps: [Edge] = []
        var at = node
        while at != from, let (previous, edge) = cameBy[at] {
          steps.insert(edge, at: 0)
          at = previous
        }
        return steps
      }
      for edge in edges[node] where counts(edge) && knot.contains(edge.to) && cameBy[edge.to] == nil && edge.to != from
      {
        cameBy[edge.to] = (node, edge)
        queue.append(edge.to)
      }
    }
    return nil
  }
}
