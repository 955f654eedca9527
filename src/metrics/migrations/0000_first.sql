CREATE TABLE `attempt_days` (
	`day_ms` integer NOT NULL,
	`tenant` text NOT NULL,
	`provider` text NOT NULL,
	`model` text NOT NULL,
	`attempts` integer NOT NULL,
	`failures` integer NOT NULL,
	`skipped` integer NOT NULL,
	`maybe_billed` integer NOT NULL,
	PRIMARY KEY(`day_ms`, `tenant`, `provider`, `model`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `request_records` (
	`id` integer PRIMARY KEY NOT NULL,
	`request_id` text NOT NULL,
	`started_at_ms` integer NOT NULL,
	`tenant` text,
	`provider` text NOT NULL,
	`layer` text,
	`failure` text,
	`stream` integer NOT NULL,
	`status` integer NOT NULL,
	`duration_ms` integer NOT NULL,
	`first_token_ms` integer,
	`input_tokens` integer,
	`input_cached` integer,
	`output_tokens` integer,
	`cost_nano_usd` integer,
	`finish` text,
	`detail` text NOT NULL
);
--> statement-breakpoint
CREATE INDEX `request_records_provider` ON `request_records` (`provider`);--> statement-breakpoint
CREATE INDEX `request_records_layer` ON `request_records` (`layer`);--> statement-breakpoint
CREATE INDEX `request_records_tenant` ON `request_records` (`tenant`) WHERE "request_records"."tenant" is not null;--> statement-breakpoint
CREATE INDEX `request_records_failed` ON `request_records` (`id`) WHERE "request_records"."failure" is not null;--> statement-breakpoint
CREATE TABLE `traffic_quarters` (
	`quarter_ms` integer NOT NULL,
	`tenant` text NOT NULL,
	`requests` integer NOT NULL,
	`failures` integer NOT NULL,
	`tokens` integer NOT NULL,
	`cost_nano_usd` integer NOT NULL,
	PRIMARY KEY(`quarter_ms`, `tenant`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `usage_days` (
	`day_ms` integer NOT NULL,
	`tenant` text NOT NULL,
	`provider` text NOT NULL,
	`model` text NOT NULL,
	`layer` text NOT NULL,
	`rule` text NOT NULL,
	`outcome` text NOT NULL,
	`requests` integer NOT NULL,
	`streams` integer NOT NULL,
	`attempts` integer NOT NULL,
	`fallbacks` integer NOT NULL,
	`input_tokens` integer NOT NULL,
	`output_tokens` integer NOT NULL,
	`reasoning_tokens` integer NOT NULL,
	`cache_hit_tokens` integer NOT NULL,
	`cache_miss_tokens` integer NOT NULL,
	`cache_write_tokens` integer NOT NULL,
	`cost_nano_usd` integer NOT NULL,
	`unknown_cost` integer NOT NULL,
	`unknown_usage` integer NOT NULL,
	`duration_ms` integer NOT NULL,
	`first_token_ms` integer NOT NULL,
	`first_tokens` integer NOT NULL,
	`first_ms` integer NOT NULL,
	`last_ms` integer NOT NULL,
	PRIMARY KEY(`day_ms`, `tenant`, `provider`, `model`, `layer`, `rule`, `outcome`)
) WITHOUT ROWID;
