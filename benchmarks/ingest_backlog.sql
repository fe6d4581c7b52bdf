-- Makes a backlog of changes for ingest/change_stream: what a shop does, row by row, in transactions of 1 to 1,000 rows
-- (log-uniform: most are small). `backlog` counts what was done; it is in no publication.
create table backlog (transaction bigint, relation text, changes bigint);

create procedure make_backlog(wanted bigint) language plpgsql as $$
declare
  users_done bigint; orders_done bigint; items_done bigint; affected bigint;
  size int; done bigint := 0; number bigint := 0; in_this int;
  new_user bigint := 0; new_order bigint := 0; lines int; dice float; picked bigint;
begin
  while done < wanted loop
    number := number + 1;
    size := floor(1000 ^ random());
    users_done := 0; orders_done := 0; items_done := 0; in_this := 0;
    while in_this < size loop
      dice := random();
      if dice < 0.15 or new_user = 0 then
        new_user := new_user + 1;
        insert into users values (
          new_user, 'L' || new_user, 'Ada', 'Byron', 'ada.' || new_user || '@example.test', '+44 20 7946 0000',
          new_user || ' High Street', 'Bath', 'BA1 1AA', 'Somerset', '1975-12-10', '45-54', '50-74K', 'owner', 'married',
          '2', '2 adults', '0', true, clock_timestamp(), clock_timestamp(), null);
        users_done := users_done + 1;
      elsif dice < 0.35 then
        picked := 1 + floor(random() * new_user);
        update users set phone = '+44 20 7946 ' || floor(random() * 10000), updated_at = clock_timestamp()
        where user_id = picked;
        users_done := users_done + 1;
      elsif dice < 0.60 or new_order = 0 then
        new_order := new_order + 1;
        insert into orders values (
          new_order, 1 + floor(random() * new_user), 17, 'web', 'completed', 'USD', 'tok_' || md5(new_order::text),
          round((random() * 200)::numeric, 2), null, clock_timestamp(), clock_timestamp());
        orders_done := orders_done + 1;
        lines := 1 + floor(random() * 4);
        insert into order_items
        select new_order, line, 'P' || floor(random() * 92331), 1 + floor(random() * 3),
          round((random() * 20)::numeric, 6), 0.25, round((random() * 60)::numeric, 2)
        from generate_series(1, lines) line;
        items_done := items_done + lines;
        in_this := in_this + lines;
      elsif dice < 0.85 then
        picked := 1 + floor(random() * new_order);
        update orders set status = 'returned', updated_at = clock_timestamp()
        where order_id = picked;
        orders_done := orders_done + 1;
      else
        picked := 1 + floor(random() * new_order);
        delete from order_items where order_id = picked and line_number = 1;
        get diagnostics affected = row_count;
        items_done := items_done + affected;
        in_this := in_this + affected - 1;
      end if;
      in_this := in_this + 1;
    end loop;
    insert into backlog values (number, 'users', users_done), (number, 'orders', orders_done),
      (number, 'order_items', items_done);
    done := done + in_this;
    commit;
  end loop;
end
$$;
