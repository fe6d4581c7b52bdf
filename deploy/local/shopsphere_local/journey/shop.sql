-- The shop's schema. Orders keep the id of a customer who left, so nothing references users. Every table carries its
-- whole old row in the log (replica identity full) and is published, so that a reader of the log sees all of it.
create table if not exists users (
  user_id bigint primary key,
  loyalty_number text,
  first_name text,
  last_name text,
  email text,
  phone text,
  street text,
  city text,
  postal_code text,
  state text,
  birth_date date,
  age_band text,
  income_band text,
  home_ownership text,
  marital_status text,
  household_size text,
  household_composition text,
  kids_count text,
  marketing_consent boolean,
  created_at timestamptz,
  updated_at timestamptz,
  closed_at timestamptz
);
create table if not exists products (
  product_id bigint primary key,
  sku text unique,
  manufacturer_id bigint,
  department text,
  brand text,
  category text,
  product_type text,
  package_size text,
  updated_at timestamptz
);
create table if not exists stores (
  store_id bigint primary key,
  name text,
  street text,
  city text,
  postal_code text,
  state text,
  latitude numeric(9, 6),
  longitude numeric(9, 6),
  opened_on date,
  updated_at timestamptz
);
create table if not exists orders (
  order_id bigint primary key,
  user_id bigint,
  store_id bigint,
  channel text check (channel in ('till', 'web')),
  status text check (status in ('completed', 'returned', 'cancelled')),
  currency text,
  card_token text,
  total_amount numeric(12, 2),
  returns_order_id bigint,
  ordered_at timestamptz,
  updated_at timestamptz
);
create table if not exists order_items (
  order_id bigint,
  line_number int,
  sku text,
  quantity bigint,
  unit_price numeric(18, 6),
  discount_amount numeric(12, 2),
  line_amount numeric(12, 2),
  primary key (order_id, line_number)
);
alter table users replica identity full;
alter table products replica identity full;
alter table stores replica identity full;
alter table orders replica identity full;
alter table order_items replica identity full;
do $$
begin
  if not exists (select from pg_publication where pubname = 'shopsphere') then
    create publication shopsphere for table users, products, stores, orders, order_items;
  end if;
end
$$;
