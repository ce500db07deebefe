extension EventStoreSchema {
  /// Appends one event to the region's own leaf. An event that the store has already, from here or from a mirror, is
  /// acknowledged again with the position it has, so that a producer may repeat what it got no answer to.
  ///
  /// - Parameter oneIn: plants the fault of a store that acknowledges every n-th event and drops it; `nil` for none.
  static func append(droppingOneIn oneIn: Int?) -> String {
    let drop = oneIn.map { count in
      """
        if nextval('es.plant_appends') % \(count) = 0 then
          perform es.require(p_fence_token, v_region);
          return query select v_region, nextval('es.origin_sequence'), nextval('es.arrival'), false;
          return;
        end if;
      """
    }
    return """
      \(oneIn == nil ? "" : "create sequence if not exists es.plant_appends; grant usage on es.plant_appends to bs_app;")
      create or replace function es.append(
        p_producer bigint, p_sequence bigint, p_idempotency_key text, p_aggregate_id bigint, p_aggregate_sequence bigint,
        p_causation_id text, p_correlation_id text, p_event_version int, p_produced_us bigint, p_business_us bigint,
        p_schema_id int, p_fence_token bigint, p_payload text, p_checksum bigint)
      returns table (origin text, origin_sequence bigint, arrival bigint, duplicate boolean)
      language plpgsql as $$
      #variable_conflict use_column
      declare
        v_region text;
        seen record;
      begin
        select region into strict v_region from es.fence;
        select e.origin, e.origin_sequence, e.arrival, e.checksum into seen
          from es.events e where e.producer = p_producer and e.sequence = p_sequence;
        if found then
          perform es.require(p_fence_token, v_region);
          if seen.checksum <> p_checksum then
            raise exception 'event %-% is in the log with another content', p_producer, p_sequence
              using errcode = 'unique_violation';
          end if;
          return query select seen.origin, seen.origin_sequence, seen.arrival, true;
          return;
        end if;
      \(drop ?? "")
        return query
          insert into es.events as e (\(publishedColumns))
          values (
            v_region, nextval('es.origin_sequence'), p_producer, p_sequence, p_idempotency_key, p_aggregate_id,
            p_aggregate_sequence, p_causation_id, p_correlation_id, p_event_version,
            timestamptz 'epoch' + p_produced_us * interval '1 microsecond',
            timestamptz 'epoch' + p_business_us * interval '1 microsecond', p_schema_id, p_fence_token, p_payload,
            p_checksum)
          returning e.origin, e.origin_sequence, e.arrival, false;
      end $$;
      """
  }
}
