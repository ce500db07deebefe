/// The event store's schema as SQL. The functions that a planted fault alters are made from the same text, so that the
/// faulty store differs from the right one in exactly that point.
enum EventStoreSchema {
  /// Everything that does not depend on the region; runs once, when the template is made.
  static let script = [
    roles, tables, fence, guardFunctions(.token), appendOnly, append(droppingOneIn: nil),
    applyBatch(idempotent: true), provision, grants,
  ].joined(separator: "\n")

  /// The columns that a mirror carries. What is left out is local: on the target the defaults number the rows anew.
  static let publishedColumns = """
    origin, origin_sequence, producer, sequence, idempotency_key, aggregate_id, aggregate_sequence, causation_id,
    correlation_id, event_version, produced_at, business_at, schema_id, fence_token, payload, checksum
    """

  /// A writer that stands still inside a transaction would hold up a seal or a demotion, so it is thrown out.
  private static let roles = """
    create role bs_app login;
    alter role bs_app set idle_in_transaction_session_timeout = '1s';
    create role bs_control login;
    create role bs_mirror login replication;
    grant pg_monitor to bs_app, bs_control;
    create schema es;
    grant usage on schema es to bs_app, bs_control, bs_mirror;
    """

  /// Rows are read in the order (local_xid, arrival) and only below the oldest running transaction: an arrival number is
  /// taken before its row commits, so reading by it alone would skip the rows of a slow transaction.
  private static let tables = """
    create sequence es.arrival;
    create sequence es.origin_sequence;
    create table es.events (
      origin text not null,
      origin_sequence bigint not null,
      producer bigint not null,
      sequence bigint not null,
      idempotency_key text not null,
      aggregate_id bigint not null,
      aggregate_sequence bigint not null,
      causation_id text,
      correlation_id text not null,
      event_version int not null,
      produced_at timestamptz not null,
      business_at timestamptz not null,
      schema_id int not null,
      fence_token bigint not null,
      payload text not null,
      checksum bigint not null,
      arrival bigint not null default nextval('es.arrival'),
      local_xid xid8 not null default pg_current_xact_id(),
      arrived_at timestamptz not null default clock_timestamp()
    ) partition by list (origin);
    create index events_order on es.events (local_xid, arrival);
    create table es.progress (
      grp text primary key,
      cursor_xid xid8 not null default '0',
      cursor_arrival bigint not null default 0,
      ordinal bigint not null default 0
    );
    create table es.applied (
      grp text not null,
      producer bigint not null,
      sequence bigint not null,
      ordinal bigint not null,
      times int not null default 1,
      deliveries int not null,
      first_at timestamptz not null default clock_timestamp(),
      primary key (grp, producer, sequence)
    );
    create table es.projection (
      grp text not null,
      aggregate_id bigint not null,
      events bigint not null,
      checksum numeric not null,
      last_sequence bigint not null,
      primary key (grp, aggregate_id)
    );
    """

  private static let appendOnly = """
    create function es.refuse_change() returns trigger language plpgsql as $$
    begin
      raise exception 'es.events is append-only: % refused', tg_op using errcode = 'BS405';
    end $$;
    create trigger append_only before update or delete or truncate on es.events
      for each statement execute function es.refuse_change();
    """

  private static let grants = """
    grant select on all tables in schema es to bs_app, bs_control, bs_mirror;
    grant select on es.arrival, es.origin_sequence to bs_control;
    grant usage, select on es.arrival, es.origin_sequence to bs_app;
    grant insert (\(publishedColumns)) on es.events to bs_app;
    grant insert, update on es.progress, es.applied, es.projection to bs_app;
    revoke execute on all functions in schema es from public;
    grant execute on function es.append, es.apply_batch, es.require to bs_app;
    grant execute on function es.seal, es.extend, es.demote, es.adopt to bs_control;
    """
}
