public import Support

/// How one PostgreSQL server of a lab is set up.
public struct PostgresSettings: Sendable, Hashable, Codable {
  /// Numeric addresses that it listens on, of either family.
  public var listen: [String]
  /// TCP port.
  public var port: UInt16
  /// Networks (`10.91.0.0/16`) whose hosts may log in, with a password.
  public var allowed: [String]
  /// The region, told in the process title.
  public var region: String

  /// A server at `listen` that `allowed` may log in to.
  public init(region: String, listen: [String], port: UInt16 = 5432, allowed: [String]) {
    self.region = region
    self.listen = listen
    self.port = port
    self.allowed = allowed
  }

  /// The whole `postgresql.conf`.
  ///
  /// A path that is cut is noticed within 2 s on both sides and tried again every 200 ms (measured: first mirrored row
  /// 0.5 s after a 20 s partition heals, 6.4 s with PostgreSQL's defaults). `fsync` stays on: what a server has
  /// acknowledged must survive it.
  public var configurationText: String {
    """
    # Written by blackstart for the store of \(region); changes here are lost with the lab.
    listen_addresses = '\(listen.joined(separator: ","))'
    port = \(port)
    unix_socket_directories = ''
    cluster_name = '\(region)'
    max_connections = 100
    password_encryption = 'scram-sha-256'
    shared_buffers = '64MB'
    dynamic_shared_memory_type = 'posix'
    max_wal_size = '512MB'
    wal_level = 'logical'
    track_commit_timestamp = on
    fsync = on
    # Mirrors
    max_replication_slots = 16
    max_wal_senders = 16
    max_logical_replication_workers = 12
    max_sync_workers_per_subscription = 2
    max_worker_processes = 24
    wal_sender_timeout = '2s'
    wal_receiver_timeout = '2s'
    wal_receiver_status_interval = '1s'
    wal_retrieve_retry_interval = '200ms'
    # Dead paths and abandoned work
    tcp_user_timeout = 2000
    tcp_keepalives_idle = 1
    tcp_keepalives_interval = 1
    tcp_keepalives_count = 2
    client_connection_check_interval = '500ms'
    idle_in_transaction_session_timeout = '5s'
    deadlock_timeout = '200ms'
    # Locale and log
    timezone = 'UTC'
    log_timezone = 'UTC'
    log_line_prefix = '%m [%p] %q%a '
    log_min_messages = 'warning'
    lc_messages = 'C'

    """
  }

  /// The whole `pg_hba.conf`: nobody without a password, nobody from elsewhere.
  public var accessText: String {
    (["# TYPE DATABASE USER ADDRESS METHOD"] + allowed.map { "host all all \($0) scram-sha-256" })
      .joined(separator: "\n") + "\n"
  }

  /// What starts the server on a data directory; set its network namespace and log file before use.
  ///
  /// - Throws: ``Problem`` when the machine has no user `postgres`.
  public func request(_ binaries: ServerBinaries, dataDirectory: String) throws(Problem) -> ProcessRequest {
    let user = try SystemUser.postgres()
    var request = ProcessRequest(binaries.postgres, ["-D", dataDirectory])
    request.user = (user.uid, user.gid)
    request.directory = dataDirectory
    return request
  }
}
