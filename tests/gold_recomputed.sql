-- Gold once more, in DuckDB: from the retailer's Parquet files and the raw rows of bronze, sharing no code with transform.
-- Registered before: transactions and products (the package's files), raw_orders, raw_users, raw_stores, raw_products and
-- raw_documents (bronze as it stands), last_second (where the replayed days end, epoch seconds), and each gold table.

-- The newest row per key of each change log; a truncate ends all before it.
create view orders as
select * from (select * from raw_orders where _op <> 't' and _position > coalesce((select max(_position) from raw_orders where _op = 't'), ''))
qualify row_number() over (partition by order_id order by _position desc) = 1;

create view documents as
select
  document ->> '$.order_number' as order_id,
  document ->> '$.buyer.buyer_id' as buyer_id,
  document ->> '$.status' as status,
  (document ->> '$.payment.currency') as currency,
  (document ->> '$.payment.amount."$numberDecimal"')::decimal(18, 2) as paid
from (
  select * from raw_documents where _op <> 't' and _position > coalesce((select max(_position) from raw_documents where _op = 't'), '')
  qualify row_number() over (partition by _id order by _position desc) = 1
)
where _op <> 'd' and json_type(document, '$.items') = 'ARRAY';

-- What the files say was bought; the replay numbers a basket's lines by product.
create table bought as
select
  basket_id,
  row_number() over (partition by basket_id order by product_id)::integer as line_number,
  'P' || product_id as sku,
  store_id::bigint as store_id,
  quantity::bigint as quantity,
  round(sales_value * 100)::bigint as cents,
  (round(retail_disc * 100) + round(coupon_disc * 100) + round(coupon_match_disc * 100))::bigint as discount,
  epoch(transaction_timestamp)::bigint as bought_second
from transactions
where epoch(transaction_timestamp) < (select last_second from limits);

create view baskets as
select basket_id, sum(cents)::bigint as cents from bought group by basket_id;

-- What the systems of record say about each basket: channel, status, customer, and how often it was bought (the replay's
-- stolen cards buy five times as much), which the order's own total tells. A return names the basket it gives back.
create table heads as
select
  order_id::varchar as order_id, coalesce(returns_order_id, order_id) as basket_id, channel, status, 'shop' as source,
  user_id::varchar as source_user_id, currency, (total_amount * 100)::bigint as cents, epoch(ordered_at)::bigint as second,
  returns_order_id is not null as is_return
from orders where _op <> 'd'
union all
select
  order_id, regexp_replace(order_id, '^MP-', '')::bigint, 'marketplace', status, 'marketplace',
  buyer_id, currency, (paid * 100)::bigint, null, false
from documents;

create table scaled as
select heads.* exclude (cents), case when baskets.cents = 0 then 1 else heads.cents // baskets.cents end as factor,
  heads.cents as told, baskets.cents as counted
from heads join baskets using (basket_id);

-- The fact table as it has to be. A unit price is a quotient, rounded half to even at the sixth place.
create table lines as
with priced as (
  select
    scaled.order_id, bought.line_number, scaled.channel, scaled.status, scaled.source, scaled.source_user_id,
    bought.store_id, bought.sku, scaled.currency, bought.quantity * factor as quantity,
    bought.cents * factor as cents, bought.discount * factor as discount,
    abs((bought.cents + bought.discount)::hugeint * 10000) as whole, abs(bought.quantity) as by_units,
    case when bought.cents + bought.discount < 0 then -1 else 1 end as sign,
    to_timestamp(coalesce(case when is_return then scaled.second end, bought.bought_second)) as ordered_at
  from scaled join bought using (basket_id)
)
select
  order_id, line_number, channel, status, source, source_user_id, store_id, sku, currency, quantity::bigint as quantity,
  (cents::decimal(18, 0) / 100)::decimal(18, 2) as total_amount, (discount::decimal(18, 0) / 100)::decimal(18, 2) as discount_amount,
  case when by_units = 0 then 0 else sign * (
    whole // by_units
    + case
        when 2 * (whole % by_units) > by_units or (2 * (whole % by_units) = by_units and (whole // by_units) % 2 = 1) then 1
        else 0
      end
  ) end::bigint as price_millionths,
  ordered_at
from priced;

-- The fact table as it is, its keys followed back to what they stand for.
create table facts as
select
  fact.order_id, fact.line_number, fact.channel, fact.status,
  case when fact.user_key = 0 then null else person.source end as source,
  case when fact.user_key = 0 then null else person.source_user_id end as source_user_id,
  store.store_id, case when fact.product_key = 0 then null else product.sku end as sku, fact.currency, fact.quantity,
  fact.total_amount, fact.discount_amount, (fact.unit_price * 1000000)::bigint as price_millionths, fact.ordered_at,
  calendar.date as day, product.department, fact.customer_id, person.start_date, person.end_date
from fact_order fact
left join dim_users person using (user_key)
left join dim_stores store using (store_key)
left join dim_products product using (product_key)
left join dim_date calendar using (date_key);

-- Who was known to whom when: a version of dim_users covers the moment. Without one the line belongs to the unknown user;
-- a sku that the catalogue does not have belongs to the unknown product.
create table expected as
select
  lines.* exclude (source, source_user_id, sku), case when products.product_id is not null then sku end as sku,
  products.department, lines.ordered_at::date as day,
  case when person.user_key is not null then lines.source end as source,
  case when person.user_key is not null then lines.source_user_id end as source_user_id,
  lines.source_user_id as told_user, lines.source as told_source
from lines
left join products on lines.sku = 'P' || products.product_id
left join dim_users person
  on person.source = lines.source and person.source_user_id = lines.source_user_id
  and person.start_date <= lines.ordered_at and (person.end_date is null or lines.ordered_at < person.end_date);

-- Figures of each customer. Who a source user is, dim_users says; everything that is counted comes from the files.
create view people as
select distinct source, source_user_id, customer_id from dim_users where user_key <> 0;

create table purchases as
select lines.*, people.customer_id, products.department,
  lines.status not in ('returned', 'cancelled') as is_purchase, lines.status <> 'cancelled' as counts
from lines join people using (source, source_user_id)
left join products on lines.sku = 'P' || products.product_id;

create table customers as
with favourites as (
  select customer_id,
    first(store_id order by orders desc, amount desc, store_id) filter (store_id is not null) as favourite_store_id
  from (
    select customer_id, store_id, count(distinct order_id) as orders, sum(total_amount) as amount
    from purchases where is_purchase group by all
  ) group by customer_id
), departments as (
  select customer_id, first(department order by orders desc, amount desc, department) as favourite_department
  from (
    select customer_id, department, count(distinct order_id) as orders, sum(total_amount) as amount
    from purchases where is_purchase and department is not null group by all
  ) group by customer_id
), figures as (
  select
    customer_id,
    mode(currency) as currency,
    min(ordered_at) filter (is_purchase) as first_order_at,
    max(ordered_at) filter (is_purchase) as last_order_at,
    count(distinct order_id) filter (is_purchase) as order_count,
    count(*) filter (is_purchase) as line_count,
    coalesce(sum(quantity) filter (is_purchase), 0)::bigint as units,
    coalesce(sum(total_amount) filter (counts), 0)::decimal(18, 2) as total_amount,
    coalesce(-sum(total_amount) filter (status = 'returned'), 0)::decimal(18, 2) as returned_amount,
    coalesce(sum(total_amount) filter (counts and channel = 'till'), 0)::decimal(18, 2) as till_amount,
    coalesce(sum(total_amount) filter (counts and channel = 'web'), 0)::decimal(18, 2) as web_amount,
    coalesce(sum(total_amount) filter (counts and channel = 'marketplace'), 0)::decimal(18, 2) as marketplace_amount
  from purchases group by customer_id
)
select
  customer_id, currency, 0 as other_currency_lines, first_order_at, last_order_at, coalesce(order_count, 0) as order_count, coalesce(line_count, 0) as line_count,
  coalesce(units, 0) as units, coalesce(total_amount, 0) as total_amount, coalesce(returned_amount, 0) as returned_amount,
  coalesce(till_amount, 0) as till_amount, coalesce(web_amount, 0) as web_amount,
  coalesce(marketplace_amount, 0) as marketplace_amount, favourite_store_id, favourite_department
from (select distinct customer_id from people)
left join figures using (customer_id) left join favourites using (customer_id) left join departments using (customer_id);

-- How many versions each person has: the shop's changes by position, a buyer's orders by time, runs of equal states.
create view shop_states as
select user_id::varchar as source_user_id, _position as place, md5(concat_ws('|', coalesce(loyalty_number, '∅'),
  coalesce(first_name, '∅'), coalesce(last_name, '∅'), coalesce(email, '∅'), coalesce(phone, '∅'), coalesce(street, '∅'),
  coalesce(city, '∅'), coalesce(postal_code, '∅'), coalesce(state, '∅'), coalesce(birth_date::varchar, '∅'),
  coalesce(marketing_consent::varchar, '∅'))) as state
from raw_users where _op not in ('d', 't');

create view buyer_states as
select document ->> '$.buyer.buyer_id' as source_user_id,
  printf('%020d', (document ->> '$.placed_at."$date"."$numberLong"')::bigint) || _position as place,
  md5(document ->> '$.buyer') as state
from raw_documents where _op not in ('d', 't');

create view versions as
select source, source_user_id, count(*) filter (state is distinct from before) as versions
from (
  select 'shop' as source, *, lag(state) over (partition by source_user_id order by place) as before from shop_states
  union all
  select 'marketplace', *, lag(state) over (partition by source_user_id order by place) from buyer_states
)
group by all;

create view counts as
select
  (select count(*) from products) + 1 as dim_products,
  (select count(distinct store_id) from transactions) + 1 as dim_stores,
  (select datediff('day', make_date(year(min(ordered_at)), 1, 1), make_date(year(max(ordered_at)), 12, 31)) + 2 from lines) as dim_date,
  (select sum(versions)::bigint from versions) + 1 as dim_users,
  (select count(*) from customers) as customer_360,
  (select count(*) from lines) as fact_order;
