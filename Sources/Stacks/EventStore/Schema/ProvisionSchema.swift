extension EventStoreSchema {
  /// Makes a copy of the template the store of one region: a leaf for each origin, the own leaf's publication, the fence.
  /// The unique indexes stand on the leaves, not on the parent: they hold within an origin, as the log of each is its own.
  static let provision = """
    create function es.provision(p_region text, p_origins text[]) returns void language plpgsql as $$
    declare
      o text;
      leaf text;
    begin
      foreach o in array p_origins loop
        leaf := 'events_' || o;
        execute format('create table es.%I partition of es.events for values in (%L)', leaf, o);
        execute format('create unique index %I on es.%I (origin_sequence)', leaf || '_origin', leaf);
        execute format('create unique index %I on es.%I (producer, sequence)', leaf || '_event', leaf);
        execute format('create unique index %I on es.%I (idempotency_key)', leaf || '_idempotency', leaf);
        execute format('create unique index %I on es.%I (aggregate_id, aggregate_sequence)', leaf || '_aggregate', leaf);
        execute format('create trigger append_only before update or delete or truncate on es.%I
          for each statement execute function es.refuse_change()', leaf);
        execute format('create trigger fence after insert on es.%I
          referencing new table as inserted for each statement execute function es.guard()', leaf);
        execute format('grant select on es.%I to bs_app, bs_control, bs_mirror', leaf);
      end loop;
      insert into es.fence (region, token, mode, holder) values (p_region, 0, 'ro', '');
      execute format('create publication %I for table es.%I (\(publishedColumns)) with (publish = ''insert'')',
        'es_' || p_region, 'events_' || p_region);
    end $$;
    """
}
