extension EventStoreSchema {
  /// The outbox: a row for every event, written by the transaction that appends it.
  ///
  /// A row's id follows from the event's place at its origin, so it is the same in every store that has the event, and can be told
  /// after the row is gone. A mirror's apply worker writes the rows of what it applies (the trigger fires always): a store that
  /// is promoted has the outbox of the one before it, as a physical standby would. What it does not have is the replication slot.
  ///
  /// - Parameters:
  ///   - origins: every region that has a store.
  ///   - keepsRows: whether rows stay; else the transaction that writes a row deletes it again, and the write-ahead log alone
  ///     shows it.
  static func outbox(origins: [String], keepsRows: Bool) -> String {
    let prune = keepsRows ? "" : "delete from es.outbox where id = v_id;"
    let triggers = origins.map { origin in
      let leaf = "es.\(quotedIdentifier("events_\(origin)"))"
      return """
        create trigger outbox after insert on \(leaf) for each row execute function es.write_outbox();
        alter table \(leaf) enable always trigger outbox;
        """
    }
    return """
      create table es.outbox (
        id uuid primary key,
        aggregatetype text not null,
        aggregateid text not null,
        type text not null,
        payload text not null,
        origin text not null,
        origin_sequence bigint not null,
        event_id text not null,
        key_sequence bigint not null,
        fence_token bigint not null
      );
      create function es.outbox_row(p_origin text, p_origin_sequence bigint) returns uuid
        language sql immutable as $$ select md5(p_origin || '/' || p_origin_sequence)::uuid $$;
      create function es.write_outbox() returns trigger
      language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
      declare
        v_id uuid := es.outbox_row(new.origin, new.origin_sequence);
      begin
        insert into es.outbox values (
          v_id, 'orders', new.aggregate_id::text, 'appended', new.payload, new.origin, new.origin_sequence,
          'p' || new.producer || '-' || new.sequence, new.aggregate_sequence, new.fence_token);
        \(prune)
        return null;
      end $$;
      \(triggers.joined(separator: "\n"))
      grant select on es.outbox to bs_app, bs_control, bs_mirror;
      create publication \(OutboxCapture.publication) for table es.outbox with (publish = 'insert');
      """
  }
}
