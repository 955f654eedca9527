ALTER TABLE `sessions` ADD `unknown_cost` integer DEFAULT 0 NOT NULL;
--> statement-breakpoint
UPDATE `sessions` SET `unknown_cost` = (SELECT count(*) FROM `request_records` WHERE `session_id` = `sessions`.`id`
	AND `request_records`.`id` <= (SELECT `last_id` FROM `rolled_up`) AND `attempts` > 0 AND `cost_nano_usd` IS NULL);
