// The records' file, as sqlite/ opens it. ClawGate-py keeps a table of its own in a file at the same documented path.

import type { DatabaseSchema } from "../sqlite/database-schema.ts";
import { migrations } from "./migrations.ts";

export const schema: DatabaseSchema = { migrations, table: "request_records", isShared: true };
