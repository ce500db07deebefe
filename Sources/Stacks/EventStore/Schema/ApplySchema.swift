extension EventStoreSchema {
  /// Takes one step of a consumer group in one transaction: reads on from its progress, applies each event to the
  /// projection once, and moves the progress. An ordinal is the row's place in the store's reading order, from 1
  /// without holes, and the same at every delivery.
  ///
  /// - Parameter idempotent: `false` plants the fault of a projection that applies a re-delivered event again.
  static func applyBatch(idempotent: Bool) -> String {
    let onConflict =
      idempotent
      ? "do nothing" : "do update set times = a.times + 1, deliveries = a.deliveries + excluded.deliveries"
    return """
      create or replace function es.apply_batch(p_group text, p_limit int, p_reread int)
      returns table (
        producer bigint, sequence bigint, ordinal bigint, arrival bigint, aggregate_id bigint, aggregate_sequence bigint,
        applied boolean, group_ordinal bigint)
      language plpgsql as $$
      #variable_conflict use_column
      declare
        state es.progress;
        v_xid xid8 := '0';
        v_arrival bigint := 0;
        v_base bigint;
      begin
        insert into es.progress (grp) values (p_group) on conflict do nothing;
        select * into strict state from es.progress where grp = p_group for update;
        v_base := greatest(0, state.ordinal - p_reread);
        if p_reread = 0 then
          v_xid := state.cursor_xid;
          v_arrival := state.cursor_arrival;
        elsif v_base > 0 then
          select e.local_xid, e.arrival into strict v_xid, v_arrival from es.events e
            where (e.local_xid, e.arrival) <= (state.cursor_xid, state.cursor_arrival)
            order by e.local_xid desc, e.arrival desc offset p_reread limit 1;
        end if;
        return query
        with unread as materialized (
          select e.producer, e.sequence, e.arrival, e.local_xid, e.aggregate_id, e.aggregate_sequence, e.checksum
          from es.events e
          where (e.local_xid, e.arrival) > (v_xid, v_arrival)
            and e.local_xid < pg_snapshot_xmin(pg_current_snapshot())
          order by e.local_xid, e.arrival limit p_limit + (state.ordinal - v_base)
        ), batch as materialized (
          select u.*, v_base + row_number() over (order by u.local_xid, u.arrival) as ordinal from unread u
        ), fresh as (
          insert into es.applied as a (grp, producer, sequence, ordinal, deliveries)
          select p_group, b.producer, b.sequence, min(b.ordinal), count(*) from batch b
          group by b.producer, b.sequence order by min(b.ordinal)
          on conflict (grp, producer, sequence) \(onConflict)
          returning a.producer, a.sequence
        ), effects as materialized (
          select distinct on (b.producer, b.sequence) b.* from batch b join fresh f using (producer, sequence)
          order by b.producer, b.sequence, b.ordinal
        ), again as (
          update es.applied a set deliveries = a.deliveries + r.count
          from (
            select b.producer, b.sequence, count(*)::int as count from batch b
            where not exists (select from fresh f where f.producer = b.producer and f.sequence = b.sequence)
            group by b.producer, b.sequence) r
          where a.grp = p_group and a.producer = r.producer and a.sequence = r.sequence
        ), projected as (
          insert into es.projection as p (grp, aggregate_id, events, checksum, last_sequence)
          select p_group, e.aggregate_id, count(*), sum(e.checksum), max(e.aggregate_sequence) from effects e
          group by e.aggregate_id
          on conflict (grp, aggregate_id) do update set
            events = p.events + excluded.events, checksum = p.checksum + excluded.checksum,
            last_sequence = greatest(p.last_sequence, excluded.last_sequence)
        ), moved as (
          update es.progress g set cursor_xid = l.local_xid, cursor_arrival = l.arrival, ordinal = l.ordinal
          from (select b.* from batch b order by b.ordinal desc limit 1) l
          where g.grp = p_group and l.ordinal > state.ordinal
        )
        select b.producer, b.sequence, b.ordinal, b.arrival, b.aggregate_id, b.aggregate_sequence,
          e.ordinal is not null, state.ordinal
        from batch b left join effects e on e.ordinal = b.ordinal order by b.ordinal;
      end $$;
      """
  }
}
