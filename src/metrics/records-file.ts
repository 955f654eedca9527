// The schema of the records' file, for sqlite/. ClawGate-py keeps its own table in a file at the same documented path.

import type { DatabaseSchema } from "../sqlite/database-schema.ts";
import { migrations } from "./migrations.ts";

export const schema: DatabaseSchema = { migrations, table: "request_records", isShared: true };
