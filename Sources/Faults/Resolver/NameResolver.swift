public import Netlink
public import Support

/// Resolves names as the node would: on a thread of its own inside the node's network namespace, one name after the other.
public final class NameResolver: Sendable {
  /// How names are asked for.
  public struct Options: Sendable, Hashable {
    /// The servers, `address`, `address:port` or `[address]:port`, comma-separated; `nil` for those of
    /// `/etc/resolv.conf`.
    public var servers: String?
    /// For one try with one server.
    public var patience: Duration
    /// How often each server is tried.
    public var tries: Int
    /// For one name in all.
    public var limit: Duration

    /// By default the system's servers, twice a second each, and 5 s for a name.
    public init(
      servers: String? = nil, patience: Duration = .seconds(1), tries: Int = 2, limit: Duration = .seconds(5)
    ) {
      self.servers = servers
      self.patience = patience
      self.tries = tries
      self.limit = limit
    }
  }

  private let options: Options
  private let timebase: Timebase
  private let thread: HolderThread<Void>
  /// Wakes who waits: a thread that is made for it is born in the namespace of the thread that wakes.
  private let messenger: HolderThread<Void>

  /// Starts the resolver's thread. Not from a holder's thread, whose descriptors it would share and keep open.
  ///
  /// - Parameters:
  ///   - namespace: where; `nil` for the namespace that the calling thread is in.
  ///   - options: how names are asked for.
  ///   - timebase: the clock of the limit.
  /// - Throws: ``NetlinkError`` if the namespace cannot be entered, ``SystemError`` if there is no thread left.
  public init(in namespace: NetworkNamespace? = nil, options: Options = Options(), timebase: Timebase = .system) throws
  {
    self.options = options
    self.timebase = timebase
    messenger = try HolderThread("tell names", timebase: timebase, make: {})
    // Unowned: the last reference must not be given up on a thread where the namespace's descriptor means nothing.
    thread = try HolderThread("names", timebase: timebase, make: { [unowned namespace] in try namespace?.enter() })
  }

  /// Resolves a name, after those that were asked for before.
  ///
  /// - Parameter done: called on the resolver's thread; while it works there, other names wait.
  public func resolve(_ name: String, _ done: @escaping @Sendable (Result<ResolvedName, ResolverError>) -> Void) {
    thread.post { [options, timebase] _ in
      let query = NameQuery(
        name: name, servers: options.servers, patienceMilliseconds: Int32(clamping: options.patience.milliseconds),
        tries: Int32(clamping: options.tries), limitMilliseconds: options.limit.milliseconds)
      do throws(ResolverError) { done(.success(try query.run(timebase))) } catch { done(.failure(error)) }
    }
  }

  /// Resolves a name, after those that were asked for before.
  ///
  /// - Throws: ``ResolverError``.
  public func resolve(_ name: String) async throws -> ResolvedName {
    try await withCheckedThrowingContinuation { continuation in
      resolve(name) { [messenger] answer in messenger.post { continuation.resume(with: answer) } }
    }
  }
}
