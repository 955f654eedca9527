// The scenario matrix: one conversation, seen at every station, through every pair of dialects.
// The scenarios are data; what must come out is worked out in scenarios/oracle.ts.

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { foldReply } from "../src/canon/reply.ts";
import { describeDialect } from "./scenarios/dialect-rules.ts";
import { describeFailing } from "./scenarios/failing.ts";
import { describeLeaving } from "./scenarios/leaving.ts";
import { describeOwnFormats, describeMatrix } from "./scenarios/matrix.ts";
import {
  canonicalOf,
  dialectNames,
  fails,
  foldersOnDisk,
  gapsOf,
  scenarioNames,
} from "./scenarios/scenario.ts";
import { openScenarioSetup, type ScenarioSetup } from "./scenarios/setup.ts";
import { describeWaiting } from "./scenarios/waiting.ts";

describe("the files", () => {
  test("are there, for every scenario and every dialect of the table", () => {
    expect(scenarioNames.flatMap(gapsOf)).toEqual([]);
    expect(foldersOnDisk().toSorted()).toEqual([...scenarioNames].toSorted());
  });

  test.each(scenarioNames.filter((name) => !fails(name)))(
    "%s: the reply is the fold of the events",
    (name) => {
      const { events, reply } = canonicalOf(name);
      expect(reply).toEqual(foldReply(events));
    },
  );
});

for (const name of dialectNames) describeDialect(name);

describe("through the app", () => {
  let stage: ScenarioSetup;
  beforeAll(async () => {
    stage = await openScenarioSetup();
  });
  afterEach(() => stage.gateway.assertClean(stage.upstream.requests));
  afterAll(() => stage.close());
  const stageOf = (): ScenarioSetup => stage;

  describeMatrix(stageOf);
  describeOwnFormats(stageOf);
  describeFailing(stageOf);
  describeLeaving(stageOf);
});

describeWaiting();
