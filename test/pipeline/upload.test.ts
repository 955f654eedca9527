import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Failure } from "../../src/canon/failure.ts";
import { type BodyShare, createBodyMemory } from "../../src/pipeline/body/body-memory.ts";
import { Upload, type UploadRules } from "../../src/pipeline/body/upload.ts";

const generous: UploadRules = {
  limitBytes: 1_000_000,
  memoryBytes: 10_000_000,
  minRate: 1_000,
  graceMs: 5_000,
  memoryWaitMs: 5_000,
  firstCheckMs: 5_000,
};

type Fed = {
  readonly request: Request;
  push(chunk: string | Buffer): void;
  close(): void;
  isCancelled(): boolean;
};

/** A body whose chunks come when a test says so. */
function fed(headers: Record<string, string> = {}): Fed {
  let controller: ReadableStreamDefaultController<Uint8Array> | null = null;
  let isCancelled = false;
  const body = new ReadableStream<Uint8Array>({
    start(given) {
      controller = given;
    },
    cancel() {
      isCancelled = true;
    },
  });
  return {
    request: new Request("http://localhost/", { method: "POST", body, headers }),
    push: (chunk) => controller?.enqueue(Buffer.from(chunk)),
    close: () => controller?.close(),
    isCancelled: () => isCancelled,
  };
}

function whole(body: string, declared = String(body.length)): Request {
  return new Request("http://localhost/", { method: "POST", body, headers: { "content-length": declared } });
}

function uploadOf(
  request: Request,
  rules: Partial<UploadRules> = {},
  share: BodyShare = createBodyMemory().operator,
) {
  const upload = new Upload(request, share, { ...generous, ...rules }, 0);
  const bytes = (async () => {
    try {
      return upload.whole(await upload.read());
    } catch (thrown) {
      throw upload.readFailure(thrown);
    }
  })();
  bytes.catch(() => undefined);
  return { upload, bytes };
}

async function kindOf(bytes: Promise<Buffer>): Promise<string> {
  return bytes.then(
    () => "read",
    (thrown: unknown) => (thrown instanceof Failure ? thrown.kind : String(thrown)),
  );
}

/** Lets everything that is ready happen. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

describe("the size of one body", () => {
  test("gives the bytes, announced or in chunks", async () => {
    expect((await uploadOf(whole("hällo")).bytes).toString()).toBe("hällo");
    const large = "x".repeat(500_000);
    expect((await uploadOf(whole(large)).bytes).toString()).toBe(large);
    const { request, push, close } = fed();
    push("he");
    push("llo");
    close();
    expect((await uploadOf(request).bytes).toString()).toBe("hello");
    expect((await uploadOf(new Request("http://localhost/", { method: "POST" })).bytes).length).toBe(0);
  });

  test("one that is announced as too large is refused unread", async () => {
    const request = whole("x", "11");
    expect(await kindOf(uploadOf(request, { limitBytes: 10 }).bytes)).toBe("too-large");
    expect(request.bodyUsed).toBe(false);
  });

  test("a length that lies is counted", async () => {
    for (const declared of ["3", "4, 4"])
      expect(await kindOf(uploadOf(whole("x".repeat(11), declared), { limitBytes: 10 }).bytes)).toBe(
        "too-large",
      );
  });

  test("chunks above the limit end the reading", async () => {
    const { request, push } = fed();
    for (const chunk of ["12345", "67890", "1"]) push(chunk);
    expect(await kindOf(uploadOf(request, { limitBytes: 10 }).bytes)).toBe("too-large");
    // Whoever answers takes the rest off the line.
    expect(request.body?.locked).toBe(false);
  });
});

describe("the memory of all bodies", () => {
  test("what is held is booked as it comes, and given back once", async () => {
    const book = createBodyMemory();
    const share = book.shareOf("alice", null);
    const { request, push, close } = fed({ "content-length": "900000" });
    const { upload, bytes } = uploadOf(request, {}, share);
    await settled();
    expect(book.held()).toBe(0);
    push(Buffer.alloc(100_000));
    await settled();
    expect(book.held()).toBeGreaterThanOrEqual(100_000);
    expect(book.held()).toBeLessThan(205_000);
    push(Buffer.alloc(800_000));
    close();
    expect((await bytes).length).toBe(900_000);
    expect(book.held()).toBe(900_000);
    upload.release();
    upload.release();
    expect(book.held()).toBe(0);
  });

  test("too many are refused with a time to wait, in the middle too; what comes after is dropped", async () => {
    const book = createBodyMemory();
    const rules = { memoryBytes: 1_000_000 };
    const first = uploadOf(whole("x".repeat(700_000)), rules, book.shareOf("alice", null));
    await first.bytes;
    const second = fed();
    const { upload, bytes } = uploadOf(second.request, rules, book.shareOf("bob", null));
    second.push(Buffer.alloc(200_000));
    await settled();
    second.push(Buffer.alloc(200_000));
    const failure = await bytes.catch((thrown: unknown) => thrown);
    expect(failure).toMatchObject({ kind: "at-capacity", status: 503, retryAfterMs: 5_000 });
    expect(second.request.body?.locked).toBe(false);
    upload.release();
    expect(book.held()).toBe(700_000);
    first.upload.release();
    expect(book.held()).toBe(0);
    expect((await uploadOf(whole("x".repeat(700_000)), rules, book.shareOf("bob", null)).bytes).length).toBe(
      700_000,
    );
  });

  test("a caller gets what the others leave: whatever one takes, the next one finds room", () => {
    const book = createBodyMemory();
    const limit = 1_000_000;
    const greedy = (name: string): number => {
      const share = book.shareOf(name, null);
      let taken = 0;
      share.open();
      share.open();
      while (share.reserve(1_000, limit, false)) taken += 1_000;
      return taken;
    };
    expect(greedy("a")).toBe(500_000);
    expect(greedy("b")).toBe(250_000);
    expect(greedy("c")).toBe(125_000);
    const single = book.shareOf("d", null);
    single.open();
    expect(single.reserve(125_000, limit, false)).toBe(true);
    expect(single.reserve(1, limit, false)).toBe(false);
  });

  test("small bodies find room beside a caller's own large ones", () => {
    const book = createBodyMemory();
    const limit = 1_000_000;
    const share = book.shareOf(null, null);
    share.open();
    share.open();
    while (share.reserve(1_000, limit, false));
    expect(book.held()).toBe(500_000);
    while (share.reserve(1_000, limit, true));
    expect(book.held()).toBe(750_000);
    const other = book.shareOf("bob", null);
    other.open();
    other.open();
    expect(other.reserve(100_000, limit, false)).toBe(true);
  });

  test("tenants and keys of one name are different callers", () => {
    const book = createBodyMemory();
    const shares = [
      book.shareOf("abcd1234", null),
      book.shareOf(null, "abcd1234"),
      book.shareOf(null, null),
      book.shareOf("", null),
      book.operator,
    ];
    expect(new Set(shares).size).toBe(5);
    expect(book.shareOf("abcd1234", "other")).toBe(book.shareOf("abcd1234", null));
  });

  test("however uploads begin, grow, end and are cut: never above the limit, and nothing is left at the end", async () => {
    const step = fc.record({
      at: fc.nat(5),
      what: fc.constantFrom("push", "close", "end"),
      size: fc.nat(300_000),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const book = createBodyMemory();
        const bodies = Array.from({ length: 6 }, (_, i) => {
          const one = fed();
          const share = book.shareOf(i < 3 ? "alice" : "bob", null);
          return { ...one, ...uploadOf(one.request, { memoryBytes: 1_500_000 }, share), isDone: false };
        });
        for (const { at, what, size } of steps) {
          const body = bodies[at];
          if (body === undefined || body.isDone || body.isCancelled()) continue;
          if (what === "push") body.push(Buffer.alloc(size));
          else if (what === "close") body.close();
          else body.upload.end(new Failure("cancelled", "It is over."));
          body.isDone = what !== "push";
          await settled();
          expect(book.held()).toBeLessThanOrEqual(1_500_000);
        }
        for (const { upload, bytes, isDone, close, isCancelled } of bodies) {
          if (!isDone && !isCancelled()) close();
          await bytes.catch(() => undefined);
          upload.release();
        }
        expect(book.held()).toBe(0);
      }),
      { numRuns: 40 },
    );
  });
});

describe("the turn of large bodies", () => {
  const rules = { memoryBytes: 2_000_000 };
  const length = "600000";

  test("what one caller's memory does not hold together is read one after the other", async () => {
    const book = createBodyMemory();
    const share = book.shareOf(null, null);
    const bodies = Array.from({ length: 4 }, () => fed({ "content-length": length }));
    const uploads = bodies.map(({ request }) => uploadOf(request, rules, share));
    for (const { push } of bodies) push(Buffer.alloc(300_000));
    await settled();
    expect(book.held()).toBe(300_000);
    for (const { push, close } of bodies) {
      push(Buffer.alloc(300_000));
      close();
    }
    for (const { bytes, upload } of uploads) {
      expect((await bytes).length).toBe(600_000);
      expect(book.held()).toBe(600_000);
      upload.release();
    }
    expect(book.held()).toBe(0);
  });

  test("a wait is no slowness and ends: then a body takes what there is", async () => {
    const share = createBodyMemory().shareOf(null, null);
    const first = fed({ "content-length": length });
    uploadOf(first.request, rules, share);
    const { request, push, close } = fed({ "content-length": length });
    const { upload, bytes } = uploadOf(request, rules, share);
    push(Buffer.alloc(300_000));
    await settled();
    expect(upload.nextCheckMs(1_000)).toBe(4_000);
    expect(upload.checkSpeed(4_999)).toBeNull();
    expect(request.bodyUsed).toBe(false);
    expect(upload.checkSpeed(5_000)).toBeNull();
    await settled();
    expect(upload.nextCheckMs(5_000)).toBe(5_000);
    push(Buffer.alloc(300_000));
    close();
    expect((await bytes).length).toBe(600_000);
  });

  test("whoever is gone lets the next one in, and a wait that is given up leaves nothing", async () => {
    const book = createBodyMemory();
    const share = book.shareOf(null, null);
    const [first, second, third] = [1, 2, 3].map(() => fed({ "content-length": length }));
    if (first === undefined || second === undefined || third === undefined) throw new Error("three");
    const holder = uploadOf(first.request, rules, share);
    const leaver = uploadOf(second.request, rules, share);
    const next = uploadOf(third.request, rules, share);
    await settled();
    leaver.upload.end(new Failure("cancelled", "It is over."));
    expect(await kindOf(leaver.bytes)).toBe("cancelled");
    leaver.upload.release();
    await settled();
    expect(third.request.bodyUsed).toBe(false);
    holder.upload.end(new Failure("cancelled", "It is over."));
    holder.upload.release();
    await settled();
    expect(third.request.bodyUsed).toBe(true);
    third.push(Buffer.alloc(600_000));
    third.close();
    expect((await next.bytes).length).toBe(600_000);
    next.upload.release();
    expect(book.held()).toBe(0);
    expect(share.waitTurn(900_000, 2_000_000)).toBeNull();
  });

  test("so many wait and no more: then a body takes what there is", async () => {
    const share = createBodyMemory().shareOf(null, null);
    share.open();
    share.waitTurn(900_000, 1_000_000);
    const waiting = Array.from({ length: 64 }, () => share.waitTurn(900_000, 1_000_000));
    const one = share.waitTurn(900_000, 1_000_000);
    await one?.over;
    expect(one?.isPromised).toBe(false);
    waiting[0]?.leave();
    const last = share.waitTurn(900_000, 1_000_000);
    let isOver = false;
    void last?.over.then(() => (isOver = true));
    await settled();
    expect(isOver).toBe(false);
  });

  test("a caller who announces much holds up nobody else", () => {
    const book = createBodyMemory();
    const greedy = book.shareOf("alice", null);
    greedy.open();
    expect(greedy.waitTurn(900_000, 1_000_000)).toBeNull();
    expect(greedy.waitTurn(900_000, 1_000_000)).not.toBeNull();
    const other = book.shareOf("bob", null);
    other.open();
    expect(other.waitTurn(900_000, 1_000_000)).toBeNull();
  });
});

describe("the speed", () => {
  test("announced and small: it must be there after the grace and what its length takes", async () => {
    const { request } = fed({ "content-length": "2000" });
    const { upload, bytes } = uploadOf(request);
    expect(upload.checkSpeed(5_000)).toBeNull();
    expect(upload.nextCheckMs(5_000)).toBe(2_000);
    const failure = upload.checkSpeed(7_000);
    expect(failure).toMatchObject({ kind: "slow-body", status: 408 });
    upload.end(failure ?? new Error("none"));
    expect(await kindOf(bytes)).toBe("slow-body");
    expect(upload.isWhole).toBe(false);
  });

  test("larger, or in chunks: every grace brings its part", async () => {
    for (const { request, push, isCancelled } of [fed(), fed({ "content-length": "900000" })]) {
      const { upload, bytes } = uploadOf(request);
      push(Buffer.alloc(5_000));
      await settled();
      expect(upload.checkSpeed(5_000)).toBeNull();
      expect(upload.nextCheckMs(5_000)).toBe(5_000);
      push(Buffer.alloc(4_999));
      await settled();
      const failure = upload.checkSpeed(10_000);
      expect(failure?.kind).toBe("slow-body");
      upload.end(failure ?? new Error("none"));
      expect(await kindOf(bytes)).toBe("slow-body");
      expect(isCancelled()).toBe(true);
    }
  });

  test("a rate of 0 asks for none; what is there is never slow", async () => {
    const none = uploadOf(fed().request, { minRate: 0 });
    expect(none.upload.checkSpeed(1e9)).toBeNull();
    expect(none.upload.nextCheckMs(0)).toBe(Infinity);
    const there = uploadOf(whole("x"));
    await there.bytes;
    expect(there.upload.checkSpeed(1e9)).toBeNull();
    expect(there.upload.nextCheckMs(0)).toBe(Infinity);
    expect(there.upload.isWhole).toBe(true);
  });
});

test("a request that ends is not kept waiting for its body, begun or not", async () => {
  const over = new Failure("cancelled", "The client went away.");
  const { request } = fed();
  const upload = new Upload(request, createBodyMemory().operator, generous, 0);
  upload.end(over);
  await expect(upload.read()).rejects.toBe(over);
  for (const each of [fed(), fed({ "content-length": "50" })]) {
    const waiting = uploadOf(each.request);
    await settled();
    waiting.upload.end(over);
    await expect(waiting.bytes).rejects.toBe(over);
  }
});
