DROP INDEX IF EXISTS `request_records_provider`;--> statement-breakpoint
DROP INDEX IF EXISTS `request_records_layer`;