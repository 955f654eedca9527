// The openai packages of npm and PyPI and their stored Responses, through the compiled gateway before models of other formats. Run it
// by path: bun test ./test/heavy/responses-sdk.heavy.ts. It never leaves loopback but for npm and PyPI.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type OpenAI from "openai";
import { clientVersion, clientVersions } from "../../scripts/client-versions.ts";
import { openTimeoutMs } from "../clients/targets.ts";
import { type RunningBinary, startBinary } from "../support/binary.ts";
import { runProgram } from "../support/program-run.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";
import { installed, offlineEnvironment } from "./install.ts";

/** Of PyPI; beside npm's newest the newest there. */
const pinnedPython = "3.57.0";
const npmVersion = clientVersion("openai");
const isPinned = npmVersion === clientVersions.openai.pinned;

let upstream: Upstream;
let gateway: RunningBinary;
let dir: string;

beforeAll(async () => {
  upstream = startUpstream({ strict: true });
  dir = mkdtempSync(join(tmpdir(), "responses-sdk-"));
  const provider = { base_url: upstream.url, api_key: "k", models: ["fake-large"] };
  gateway = await startBinary({
    config: {
      responses_store: { mode: "disk" },
      providers: {
        oai: { ...provider, backend: "openai-compat" },
        ant: { ...provider, backend: "anthropic" },
        goo: { ...provider, backend: "google-genai" },
      },
    },
  });
}, openTimeoutMs);
afterAll(async () => {
  await gateway?.stop();
  upstream?.stop();
  if (dir) rmSync(dir, { recursive: true, force: true });
});

const providers = ["oai", "ant", "goo"];

describe(`openai ${npmVersion} of npm`, () => {
  let client: OpenAI;
  beforeAll(async () => {
    const folder = installed("openai", [`openai@${npmVersion}`], "node_modules/openai/package.json");
    const loaded = (await import(join(folder, "node_modules/openai/index.mjs"))) as {
      default: typeof OpenAI;
    };
    client = new loaded.default({ baseURL: `${gateway.url}/v1`, apiKey: "none", maxRetries: 0 });
  }, 300_000);

  test.each(providers)(
    "keeps, continues, lists, compacts, runs on and deletes before %s",
    async (provider) => {
      const model = `${provider}/fake-large`;
      const first = await client.responses
        .stream({ model, input: "[[say:heron]] one", store: true })
        .finalResponse();
      expect((await client.responses.retrieve(first.id)).output_text).toBe("heron");
      const second = await client.responses.create({
        model,
        input: "[[say:egret]] two",
        previous_response_id: first.id,
        store: true,
      });
      expect(upstream.requests.at(-1)?.rawBody).toContain("heron");
      const types: (string | undefined)[] = [];
      for await (const item of client.responses.inputItems.list(second.id, { order: "asc", limit: 1 }))
        types.push(item.type);
      expect(types).toEqual(["message", "message", "message"]);
      const compacted = await client.responses.compact({ model, previous_response_id: second.id });
      expect(compacted.output.at(-1)?.type as string).toBe("compaction");
      let run = await client.responses.create({
        model,
        input: "[[say:stork]]",
        background: true,
        store: true,
      });
      while (run.status === "queued" || run.status === "in_progress")
        run = await client.responses.retrieve(run.id);
      expect(run.output_text).toBe("stork");
      const long = await client.responses.create({
        model,
        input: "[[long:400]] [[pace:20]]",
        background: true,
        store: true,
      });
      expect((await client.responses.cancel(long.id)).status).toBe("cancelled");
      await client.responses.delete(first.id);
      const gone: unknown = await client.responses.retrieve(first.id).catch((thrown: unknown) => thrown);
      expect(gone).toMatchObject({ status: 404 });
    },
  );
});

/** The same with the other package, as a program. */
const script = `
import sys
from openai import OpenAI, NotFoundError
from pydantic import BaseModel
base, model = sys.argv[1:]
client = OpenAI(base_url=base, api_key="none", max_retries=0)
first = client.responses.create(model=model, input="[[say:heron]] one", store=True)
assert client.responses.retrieve(first.id).output_text == "heron"
with client.responses.stream(model=model, input="[[say:egret]] two", previous_response_id=first.id, store=True) as stream:
    second = stream.get_final_response()
assert second.previous_response_id == first.id, second.previous_response_id
assert len(list(client.responses.input_items.list(second.id, order="asc", limit=1))) == 3
class Count(BaseModel):
    a: int
parsed = client.responses.parse(model=model, input='[[json:{"a":1}]]', text_format=Count, store=True)
assert parsed.output_parsed.a == 1
tool = {"type": "function", "name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}, "strict": False}
called = client.responses.create(model=model, input='[[tool:get_weather {"city":"Paris"}]]', tools=[tool], store=True)
call = [item for item in called.output if item.type == "function_call"][0]
said = client.responses.create(model=model, previous_response_id=called.id, tools=[tool], input=[{"type": "function_call_output", "call_id": call.call_id, "output": "18 degrees"}])
assert "18 degrees" in said.output_text, said.output_text
compacted = client.responses.compact(model=model, previous_response_id=second.id)
assert compacted.output[-1].type == "compaction"
run = client.responses.create(model=model, input="[[say:stork]]", background=True, store=True)
while run.status in ("queued", "in_progress"):
    run = client.responses.retrieve(run.id)
assert run.output_text == "stork"
client.responses.delete(first.id)
try:
    client.responses.retrieve(first.id)
    raise SystemExit("it is still there")
except NotFoundError:
    pass
print("held")
`;

describe("openai of PyPI", () => {
  let python = "";
  beforeAll(() => {
    const wanted = isPinned ? `openai==${pinnedPython}` : "openai";
    const folder = join(
      import.meta.dir,
      "..",
      "..",
      ".cache",
      "clients",
      `openai-python-${Bun.hash(wanted).toString(36)}`,
    );
    python = join(folder, "bin", "python");
    if (isPinned && existsSync(python)) return;
    rmSync(folder, { recursive: true, force: true });
    // Pip must not leave a folder that looks complete.
    const made = Bun.spawnSync(["python3", "-m", "venv", `${folder}.new`], { stderr: "inherit" });
    const pip = Bun.spawnSync(
      [join(`${folder}.new`, "bin", "python"), "-m", "pip", "install", "-q", wanted],
      {
        stderr: "inherit",
        timeout: 200_000,
      },
    );
    if (!made.success || !pip.success) throw new Error(`${wanted} could not be installed.`);
    renameSync(`${folder}.new`, folder);
  }, 300_000);

  test.each(providers)(
    "keeps, continues, lists, compacts, runs on and deletes before %s",
    async (provider) => {
      const path = join(dir, "kept.py");
      writeFileSync(path, script);
      const done = await runProgram([python, path, `${gateway.url}/v1`, `${provider}/fake-large`], {
        cwd: dir,
        env: { PATH: process.env["PATH"] ?? "", HOME: dir, ...offlineEnvironment },
        timeoutMs: 60_000,
      });
      expect(`${done.stdout}${done.stderr.slice(-1500)}`).toBe("held\n");
    },
    90_000,
  );
});
