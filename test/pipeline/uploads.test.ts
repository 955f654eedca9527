// What a body under way costs and whom it holds up, said byte by byte to the real house.

import { describe, expect, test } from "bun:test";
import { hold } from "../server/raw-socket.ts";
import { until } from "./road.ts";
import { ask, keys, tenantHouses } from "./tenant-house.ts";

const { vendor, open } = tenantHouses();
const portOf = ({ url }: { readonly url: string }): number => Number(new URL(url).port);

const paths = { openai: "/v1/chat/completions", anthropic: "/v1/messages" } as const;

/** The head of a request whose body is still to come; `length` null: in chunks. */
function head(path: string, length: number | null, key: string | null = keys.alice): string {
  const auth = key === null ? "" : `Authorization: Bearer ${key}\r\n`;
  const size = length === null ? "Transfer-Encoding: chunked" : `Content-Length: ${length}`;
  return `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n${auth}${size}\r\n\r\n`;
}

describe("a tenant's place and minute are taken before the body is read", () => {
  test.each(["openai", "anthropic"] as const)(
    "one upload under way is one request at once: %s",
    async (door) => {
      const gateway = await open({ tenant: { limits: { max_concurrent: 1 } } });
      const first = await hold(portOf(gateway), head(paths[door], 30_000_000));
      first.send("{");
      await until("the first upload is under way", () => gateway.house.estate.live.count() === 1);
      const others = await Promise.all(
        Array.from({ length: 15 }, () => hold(portOf(gateway), head(paths[door], 30_000_000))),
      );
      for (const other of others) {
        const { status, headers, body } = await other.answered;
        expect(status).toBe(429);
        expect(headers["retry-after"]).toBe("1");
        expect(headers["connection"]).toBe("close");
        expect(JSON.parse(body)).toHaveProperty("error.message");
        await other.closed;
      }
      expect((await ask(gateway, { key: keys.bob })).status).toBe(200);
      first.destroy();
      await gateway.waitForRecord((record) => record.failure === "cancelled");
      expect((await ask(gateway)).status).toBe(200);
      const records = gateway.records();
      expect(records.length).toBe(18);
      expect(new Set(records.map(({ id }) => id)).size).toBe(18);
      await gateway.assertClean(vendor.requests);
      expect(gateway.house.estate.meters.of("alice").running()).toBe(0);
    },
  );

  test("a minute that is used up is heard before the body, however it is sent", async () => {
    const gateway = await open({ tenant: { limits: { requests_per_minute: 1 } } });
    expect((await ask(gateway)).status).toBe(200);
    for (const length of [30_000_000, null]) {
      const upload = await hold(portOf(gateway), head(paths.openai, length));
      expect((await upload.answered).status).toBe(429);
      await upload.closed;
    }
  });
});
