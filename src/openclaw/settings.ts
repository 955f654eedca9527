// The `skills` section of the config, in the shape of openclaw-cc-gateway.
// It must never touch the disk.

import { z } from "zod";

export const skillsSettings = z
  .strictObject({
    sync: z
      .enum(["auto", "manual", "disabled"])
      .default("auto")
      .describe("When skills are pulled from OpenClaw: by set-up, by command only, or never."),
    dir: z.string().min(1).optional().describe("Folder of the skills. Absent: `<state dir>/skills`."),
  })
  .prefault({});

export type SkillsSettings = z.infer<typeof skillsSettings>;
