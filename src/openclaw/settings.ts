// The `skills` section of the config, compatible with openclaw-cc-gateway.
// It must never touch the disk.

import { z } from "zod";

export const skillsSettings = z
  .strictObject({
    sync: z
      .enum(["auto", "manual", "disabled"])
      .default("auto")
      .describe("When skills are pulled from OpenClaw: by set-up, by command only, or never."),
    dir: z.string().min(1).optional().describe("Folder of the skills. Absent: `<state dir>/skills`."),
    load: z
      .boolean()
      .default(true)
      .describe(
        "Whether the CLI gets the skills of a tenant (`<dir>/<tenant>/<skill>/SKILL.md`) for its requests.",
      ),
    prompt: z
      .enum(["auto", "always", "never"])
      .default("auto")
      .describe(
        "Whether OpenClaw's command line is explained to the CLI: auto = for requests of a named tenant, if the CLI has a shell or `cli.skill_file` is set.",
      ),
  })
  .prefault({});
