CREATE TABLE `state` (
	`namespace` text NOT NULL,
	`key` text NOT NULL,
	`value` text NOT NULL,
	`expires_at_ms` integer,
	PRIMARY KEY(`namespace`, `key`)
) WITHOUT ROWID;
