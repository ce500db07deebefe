extension EventStoreSchema {
  /// The fence: one row, and a log of its changes.
  ///
  /// Writers hold a ROW SHARE lock on the table to the end of their transaction, who changes the reign an EXCLUSIVE one.
  /// Table locks queue fairly, where row locks (`for share`) let a stream of writers starve the one that seals; they
  /// write nothing, and they hold across all rows of a statement. So when `es.seal` or `es.demote` has returned, every
  /// write of the reign before is committed or will be refused.
  ///
  /// `valid_until` ends a reign by itself when the control plane is gone and cannot demote the store. It is a time of the
  /// wall clock, the only one that SQL has: it backs up the control plane's own monotonic deadline and does not replace it.
  static let fence = """
    create table es.fence (
      singleton boolean primary key default true check (singleton),
      region text not null,
      token bigint not null,
      mode text not null check (mode in ('rw', 'ro')),
      holder text not null,
      valid_until timestamptz
    ) with (fillfactor = 10, autovacuum_enabled = false);
    create table es.fence_log (
      id bigint generated always as identity primary key,
      token bigint not null,
      mode text not null,
      holder text not null,
      barrier_arrival bigint not null,
      barrier_origin_sequence bigint not null,
      at timestamptz not null default clock_timestamp()
    );

    create function es.change_reign(p_token bigint, p_mode text, p_holder text, p_valid_until timestamptz)
    returns es.fence language plpgsql as $$
    declare
      f es.fence;
    begin
      update es.fence set token = p_token, mode = p_mode, holder = p_holder, valid_until = p_valid_until returning * into f;
      insert into es.fence_log (token, mode, holder, barrier_arrival, barrier_origin_sequence)
        select f.token, f.mode, f.holder, case when a.is_called then a.last_value else 0 end,
          case when o.is_called then o.last_value else 0 end
        from es.arrival a, es.origin_sequence o;
      return f;
    end $$;

    create function es.seal(p_token bigint, p_holder text, p_valid_until timestamptz)
    returns es.fence language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
    declare
      f es.fence;
    begin
      lock table es.fence in exclusive mode;
      select * into strict f from es.fence;
      -- A repeated seal is answered; one that comes after its own reign has ended does not open it again.
      if p_token = f.token and p_holder = f.holder and f.mode = 'rw' then
        return f;
      end if;
      if p_token <= f.token then
        raise exception 'fencing token % cannot seal: this store is at % (% of %)', p_token, f.token, f.mode, f.holder
          using errcode = 'BS409';
      end if;
      return es.change_reign(p_token, 'rw', p_holder, p_valid_until);
    end $$;

    create function es.extend(p_token bigint, p_valid_until timestamptz)
    returns es.fence language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
    declare
      f es.fence;
    begin
      update es.fence set valid_until = greatest(valid_until, p_valid_until)
        where token = p_token and mode = 'rw' returning * into f;
      if not found then
        raise exception 'fencing token % has no reign here to extend', p_token using errcode = 'BS409';
      end if;
      return f;
    end $$;

    create function es.demote(p_token bigint, p_holder text)
    returns es.fence language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
    declare
      f es.fence;
    begin
      lock table es.fence in exclusive mode;
      select * into strict f from es.fence;
      -- A higher token's reign is not ours to end. Our own is ended even if its seal has not come yet.
      if p_token < f.token or (p_token = f.token and f.mode = 'ro') then
        return f;
      end if;
      return es.change_reign(p_token, 'ro', p_holder, null);
    end $$;

    create function es.adopt(p_token bigint, p_holder text)
    returns es.fence language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
    declare
      f es.fence;
    begin
      lock table es.fence in exclusive mode;
      select * into strict f from es.fence;
      if p_token <= f.token then
        return f;
      end if;
      return es.change_reign(p_token, 'ro', p_holder, null);
    end $$;
    """

  /// The guard in front of every insert that names the parent or a leaf. The apply worker of a mirror passes it, because
  /// its triggers fire for origin sessions only.
  ///
  /// - Parameter decision: what it goes by.
  static func guardFunctions(_ decision: FenceDecision) -> String {
    let token = """
        if p_token <> f.token then
          raise exception 'fencing token % refused: this store is at % of %', p_token, f.token, f.holder
            using errcode = 'BS409';
        end if;
        if f.mode = 'ro' then
          raise exception 'this store is read-only since token % of % was demoted', f.token, f.holder
            using errcode = 'BS423';
        end if;
      """
    let wallClock = """
        if clock_timestamp() >= f.valid_until then
          raise exception 'this store is read-only: the reign of token % ended at %', f.token, f.valid_until
            using errcode = 'BS423';
        end if;
      """
    let checks =
      switch decision {
      case .token: token + "\n" + wallClock
      case .wallClock: wallClock
      case .nothing: ""
      }
    return """
      create or replace function es.require(p_token bigint, p_origin text)
      returns void language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
      declare
        f es.fence;
      begin
        -- A snapshot taken before the lock could show a reign that has ended meanwhile.
        if current_setting('transaction_isolation') <> 'read committed' then
          raise exception 'writes are guarded in transactions that are read committed only' using errcode = 'BS400';
        end if;
        lock table es.fence in row share mode;
        select * into strict f from es.fence;
        if p_origin <> f.region then
          raise exception 'events of origin % are not written here but in %', p_origin, f.region using errcode = 'BS403';
        end if;
        \(checks)
      end $$;
      create or replace function es.guard()
      returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
      begin
        perform es.require(w.fence_token, w.origin) from (select distinct fence_token, origin from inserted) w;
        return null;
      end $$;
      \(decision == .token ? guardTrigger(on: "es.events") : "")
      """
  }

  private static func guardTrigger(on table: String) -> String {
    """
    create trigger fence after insert on \(table)
      referencing new table as inserted for each statement execute function es.guard();
    """
  }
}

/// What the guard of a store goes by. All but the first are planted faults.
enum FenceDecision {
  /// The token, the mode, and as a last resort the time until which the reign is valid.
  case token
  /// The time alone.
  case wallClock
  /// Nothing.
  case nothing
}
