// The database's history as SQL, one entry a version, applied in order. An entry that was released is never edited.
// Plain strings, so that the compiled binary needs nothing beside it.

const first = `
CREATE TABLE request_records (
  id INTEGER PRIMARY KEY,
  request_id TEXT NOT NULL,
  started_at_ms INTEGER NOT NULL,
  tenant TEXT, provider TEXT NOT NULL, layer TEXT, failure TEXT,
  stream INTEGER NOT NULL, status INTEGER NOT NULL, duration_ms INTEGER NOT NULL, first_token_ms INTEGER,
  input_tokens INTEGER, input_cached INTEGER, output_tokens INTEGER, cost_nano_usd INTEGER,
  finish TEXT, detail TEXT NOT NULL
);
CREATE INDEX request_records_provider ON request_records (provider);
CREATE INDEX request_records_layer ON request_records (layer);
CREATE INDEX request_records_tenant ON request_records (tenant) WHERE tenant IS NOT NULL;
CREATE INDEX request_records_failed ON request_records (id) WHERE failure IS NOT NULL;
CREATE TABLE usage_days (
  day_ms INTEGER NOT NULL, tenant TEXT NOT NULL, provider TEXT NOT NULL, model TEXT NOT NULL,
  layer TEXT NOT NULL, rule TEXT NOT NULL, outcome TEXT NOT NULL,
  requests INTEGER NOT NULL, streams INTEGER NOT NULL, attempts INTEGER NOT NULL, fallbacks INTEGER NOT NULL,
  input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL, reasoning_tokens INTEGER NOT NULL,
  cache_hit_tokens INTEGER NOT NULL, cache_miss_tokens INTEGER NOT NULL, cache_write_tokens INTEGER NOT NULL,
  cost_nano_usd INTEGER NOT NULL, unknown_cost INTEGER NOT NULL, unknown_usage INTEGER NOT NULL,
  duration_ms INTEGER NOT NULL, first_token_ms INTEGER NOT NULL, first_tokens INTEGER NOT NULL,
  first_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL,
  PRIMARY KEY (day_ms, tenant, provider, model, layer, rule, outcome)
) WITHOUT ROWID;
CREATE TABLE attempt_days (
  day_ms INTEGER NOT NULL, tenant TEXT NOT NULL, provider TEXT NOT NULL, model TEXT NOT NULL,
  attempts INTEGER NOT NULL, failures INTEGER NOT NULL, skipped INTEGER NOT NULL, maybe_billed INTEGER NOT NULL,
  PRIMARY KEY (day_ms, tenant, provider, model)
) WITHOUT ROWID;
CREATE TABLE traffic_quarters (
  quarter_ms INTEGER NOT NULL, tenant TEXT NOT NULL,
  requests INTEGER NOT NULL, failures INTEGER NOT NULL, tokens INTEGER NOT NULL, cost_nano_usd INTEGER NOT NULL,
  PRIMARY KEY (quarter_ms, tenant)
) WITHOUT ROWID;
`;

export const migrations: readonly string[] = [first];

/** The version that this build writes; a file that bears a higher one belongs to a newer build. */
export const schemaVersion = migrations.length;
