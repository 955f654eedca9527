CREATE TABLE `rolled_up` (
	`id` integer PRIMARY KEY NOT NULL,
	`last_id` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `rollups` (
	`span_ms` integer NOT NULL,
	`start_ms` integer NOT NULL,
	`first_id` integer NOT NULL,
	`last_id` integer NOT NULL,
	`first_ms` integer NOT NULL,
	`last_ms` integer NOT NULL,
	`requests` integer NOT NULL,
	`data` blob NOT NULL,
	PRIMARY KEY(`span_ms`, `start_ms`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `sessions` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`tenant` text NOT NULL,
	`name` text NOT NULL,
	`client` text,
	`first_ms` integer NOT NULL,
	`last_ms` integer NOT NULL,
	`requests` integer NOT NULL,
	`failures` integer NOT NULL,
	`input_tokens` integer NOT NULL,
	`cached_tokens` integer NOT NULL,
	`output_tokens` integer NOT NULL,
	`cost_nano_usd` integer NOT NULL,
	`list_nano_usd` integer NOT NULL,
	`misses` integer NOT NULL,
	`miss_nano_usd` integer NOT NULL,
	`models` text NOT NULL,
	`agents` text NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `sessions_name` ON `sessions` (`tenant`,`name`);--> statement-breakpoint
CREATE INDEX `sessions_last` ON `sessions` (`last_ms`);--> statement-breakpoint
ALTER TABLE `request_records` ADD `client` text;--> statement-breakpoint
ALTER TABLE `request_records` ADD `session_id` integer;--> statement-breakpoint
ALTER TABLE `request_records` ADD `agent` text;--> statement-breakpoint
ALTER TABLE `request_records` ADD `parent_agent` text;--> statement-breakpoint
ALTER TABLE `request_records` ADD `model` text;--> statement-breakpoint
ALTER TABLE `request_records` ADD `rule` text;--> statement-breakpoint
ALTER TABLE `request_records` ADD `tags` text;--> statement-breakpoint
ALTER TABLE `request_records` ADD `attempts` integer;--> statement-breakpoint
ALTER TABLE `request_records` ADD `input_cache_write` integer;--> statement-breakpoint
ALTER TABLE `request_records` ADD `output_reasoning` integer;--> statement-breakpoint
ALTER TABLE `request_records` ADD `list_nano_usd` integer;--> statement-breakpoint
ALTER TABLE `request_records` ADD `baseline_nano_usd` integer;--> statement-breakpoint
ALTER TABLE `request_records` ADD `uncached_nano_usd` integer;--> statement-breakpoint
ALTER TABLE `request_records` ADD `miss_nano_usd` integer;--> statement-breakpoint
ALTER TABLE `request_records` ADD `content_hash` text;--> statement-breakpoint
ALTER TABLE `request_records` ADD `waste` integer;--> statement-breakpoint
CREATE INDEX `request_records_session` ON `request_records` (`session_id`) WHERE "request_records"."session_id" is not null;
--> statement-breakpoint
UPDATE `request_records` SET
	`client` = `detail` ->> 'client',
	`agent` = `detail` ->> 'agent',
	`parent_agent` = `detail` ->> 'parentAgent',
	`model` = coalesce(`detail` ->> 'model', ''),
	`rule` = coalesce(`detail` ->> 'rule', ''),
	`tags` = `detail` -> 'tags',
	`attempts` = (SELECT count(*) FROM json_each(`detail`, '$.attempts') WHERE `value` ->> 2 <> 'skipped'),
	`input_cache_write` = `detail` ->> 'inputCacheWrite',
	`output_reasoning` = `detail` ->> 'outputReasoning';--> statement-breakpoint
INSERT INTO `sessions` (`tenant`, `name`, `client`, `first_ms`, `last_ms`, `requests`, `failures`, `input_tokens`, `cached_tokens`, `output_tokens`, `cost_nano_usd`, `list_nano_usd`, `misses`, `miss_nano_usd`, `models`, `agents`)
	SELECT coalesce(`tenant`, ''), `detail` ->> 'session', max(`client`), min(`started_at_ms`), max(`started_at_ms`), 0, 0, 0, 0, 0, 0, 0, 0, 0, '{}', '[]'
	FROM `request_records` WHERE `detail` ->> 'session' IS NOT NULL GROUP BY 1, 2;--> statement-breakpoint
UPDATE `request_records` SET `session_id` = (SELECT `id` FROM `sessions` WHERE `sessions`.`tenant` = coalesce(`request_records`.`tenant`, '') AND `sessions`.`name` = `request_records`.`detail` ->> 'session')
	WHERE `detail` ->> 'session' IS NOT NULL;--> statement-breakpoint
INSERT INTO `rolled_up` VALUES (1, 0);
