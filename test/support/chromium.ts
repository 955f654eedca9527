// A real headless Chromium for tests, spoken to by its DevTools protocol: opens a page, clicks, types, waits, looks. It reports what the
// page complains of: errors, exceptions, and everything that its content policy forbade. One browser, one page at a time.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const names = ["chromium", "chromium-browser", "google-chrome", "chrome-headless-shell"];

/** Null where there is none on this machine. */
export function chromiumPath(): string | null {
  const wanted = process.env["CHROMIUM"];
  if (wanted !== undefined && wanted !== "") return wanted;
  return names.map((name) => Bun.which(name)).find((path) => path !== null) ?? null;
}

type Reply = {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Params;
  readonly result?: Params;
  readonly error?: Params;
};
type Params = Readonly<Record<string, unknown>>;

const stepMs = 15_000;

class Connection {
  private next = 1;
  private readonly waiting = new Map<number, PromiseWithResolvers<Params>>();

  constructor(
    private readonly socket: WebSocket,
    private readonly heard: (method: string, params: Params) => void,
  ) {
    socket.addEventListener("message", ({ data }) => this.receive(JSON.parse(String(data)) as Reply));
    socket.addEventListener("close", () => {
      for (const each of this.waiting.values()) each.reject(new Error("Chromium has ended."));
    });
  }

  send(method: string, params: Params = {}): Promise<Params> {
    const id = this.next;
    this.next += 1;
    const answer = Promise.withResolvers<Params>();
    this.waiting.set(id, answer);
    this.socket.send(JSON.stringify({ id, method, params }));
    return answer.promise;
  }

  private receive({ id, method, params, result, error }: Reply): void {
    if (method !== undefined) this.heard(method, params ?? {});
    if (id === undefined) return;
    const answer = this.waiting.get(id);
    this.waiting.delete(id);
    if (error === undefined) answer?.resolve(result ?? {});
    else answer?.reject(new Error(`Chromium: ${JSON.stringify(error)}`));
  }
}

async function opened(url: string): Promise<WebSocket> {
  const socket = new WebSocket(url);
  await new Promise<void>((resolve, reject) => {
    socket.addEventListener("open", () => resolve());
    socket.addEventListener("error", () => reject(new Error("Chromium does not answer.")));
  });
  return socket;
}

const textOf = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));

/** What a page complained of, from the events of the protocol; null for an event that is none. */
function complaintIn(method: string, params: Params): string | null {
  if (method === "Runtime.exceptionThrown") return textOf(params["exceptionDetails"]);
  const entry = params["entry"] as
    { readonly level?: string; readonly text?: string; readonly url?: string } | undefined;
  if (method === "Log.entryAdded" && entry !== undefined && entry.level === "error")
    return `${entry.text ?? ""} ${entry.url ?? ""}`;
  if (method === "Runtime.consoleAPICalled" && params["type"] === "error") return textOf(params["args"]);
  return null;
}

export type Screen = { readonly width: number; readonly height: number; readonly theme: "light" | "dark" };

export class BrowserPage {
  readonly complaints: string[] = [];
  private connection: Connection | null = null;

  private constructor(
    private readonly program: Bun.Subprocess,
    private readonly folder: string,
  ) {}

  static async open(path: string): Promise<BrowserPage> {
    const folder = mkdtempSync(join(tmpdir(), "clawgate-chromium-"));
    const options = [
      "--headless=new",
      "--no-sandbox",
      "--disable-gpu",
      "--no-first-run",
      "--disable-background-networking",
    ];
    const program = Bun.spawn(
      [path, ...options, "--remote-debugging-port=0", `--user-data-dir=${folder}`, "about:blank"],
      { stdout: "ignore", stderr: "pipe", env: { ...process.env, HOME: folder } },
    );
    const page = new BrowserPage(program, folder);
    try {
      await page.connect();
    } catch (error) {
      await page.close();
      throw error;
    }
    return page;
  }

  private async connect(): Promise<void> {
    const port = await portOf(this.program);
    const listed = (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()) as readonly {
      readonly type: string;
      readonly webSocketDebuggerUrl: string;
    }[];
    const target = listed.find(({ type }) => type === "page");
    if (target === undefined) throw new Error("Chromium has no page.");
    this.connection = new Connection(await opened(target.webSocketDebuggerUrl), (method, params) => {
      const complaint = complaintIn(method, params);
      if (complaint !== null) this.complaints.push(complaint);
    });
    for (const domain of ["Page", "Runtime", "Log"]) await this.send(`${domain}.enable`);
  }

  private send(method: string, params: Params = {}): Promise<Params> {
    if (this.connection === null) throw new Error("Chromium is not connected.");
    return this.connection.send(method, params);
  }

  async show({ width, height, theme }: Screen): Promise<void> {
    const isMobile = width < 600;
    await this.send("Emulation.setDeviceMetricsOverride", {
      width,
      height,
      deviceScaleFactor: 1,
      mobile: isMobile,
    });
    await this.send("Emulation.setEmulatedMedia", {
      features: [{ name: "prefers-color-scheme", value: theme }],
    });
  }

  async goto(url: string): Promise<void> {
    await this.send("Page.navigate", { url });
    await this.until("document.readyState === 'complete'", `${url} is loaded`);
  }

  /** The value of an expression in the page, awaited. */
  async evaluate(expression: string): Promise<unknown> {
    const answer = await this.send("Runtime.evaluate", {
      expression,
      awaitPromise: true,
      returnByValue: true,
    });
    if (answer["exceptionDetails"] !== undefined)
      throw new Error(`In the page: ${textOf(answer["exceptionDetails"])}\n${expression.slice(0, 300)}`);
    return (answer["result"] as { readonly value?: unknown }).value;
  }

  async until(expression: string, what: string): Promise<void> {
    const deadline = Date.now() + stepMs;
    while (Date.now() < deadline) {
      const isTrue = await this.evaluate(`Boolean(${expression})`).catch(() => false);
      if (isTrue === true) return;
      await Bun.sleep(50);
    }
    const seen = await this.evaluate("document.body.innerText.slice(0, 1500)").catch(String);
    throw new Error(`It never came: ${what}\n${this.complaints.join("\n")}\n${String(seen)}`);
  }

  /** Waits for a visible text. */
  see(text: string): Promise<void> {
    return this.until(`document.body.innerText.includes(${JSON.stringify(text)})`, JSON.stringify(text));
  }

  /** Clicks with the mouse the button, link or summary that a person would call by this name. */
  async click(name: string): Promise<void> {
    await this.clickAt(await this.place(name, "button, a, summary"));
  }

  private async clickAt(place: { readonly x: number; readonly y: number }): Promise<void> {
    const at = { x: place.x, y: place.y, button: "left", clickCount: 1 };
    await this.send("Input.dispatchMouseEvent", { type: "mousePressed", ...at });
    await this.send("Input.dispatchMouseEvent", { type: "mouseReleased", ...at });
  }

  /** Replaces what a field holds by typing. */
  async type(field: string, text: string): Promise<void> {
    await this.clickAt(await this.place(field, "input, textarea, select"));
    await this.evaluate("document.activeElement.select?.()");
    await this.send("Input.insertText", { text });
  }

  async press(key: string): Promise<void> {
    const code = key === "Enter" ? 13 : key === "Escape" ? 27 : key === "Tab" ? 9 : 0;
    const what = { key, code: key, windowsVirtualKeyCode: code, ...(key === "Enter" ? { text: "\r" } : {}) };
    await this.send("Input.dispatchKeyEvent", { type: "keyDown", ...what });
    await this.send("Input.dispatchKeyEvent", { type: "keyUp", ...what });
  }

  private async place(name: string, kinds: string): Promise<{ readonly x: number; readonly y: number }> {
    const find = `(${findByName.toString()})(${JSON.stringify(name)}, ${JSON.stringify(kinds)})`;
    await this.until(`${find} !== null`, `something called ${JSON.stringify(name)} that can be clicked`);
    return (await this.evaluate(find)) as { readonly x: number; readonly y: number };
  }

  async screenshot(path: string): Promise<void> {
    const { data } = await this.send("Page.captureScreenshot", {
      format: "png",
      captureBeyondViewport: true,
    });
    await Bun.write(path, Buffer.from(String(data), "base64"));
  }

  async close(): Promise<void> {
    this.program.kill();
    await this.program.exited;
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Runs in the page. The innermost dialog that is open hides what is behind it. */
function findByName(name: string, kinds: string): { x: number; y: number } | null {
  const scope = [...document.querySelectorAll("dialog[open]")].at(-1) ?? document;
  const nameOf = (element: Element): string => {
    const label = element.getAttribute("aria-label");
    if (label !== null) return label.trim();
    if (
      element instanceof HTMLInputElement ||
      element instanceof HTMLTextAreaElement ||
      element instanceof HTMLSelectElement
    )
      return element.labels?.[0]?.childNodes[0]?.textContent?.trim() ?? "";
    return (element.textContent ?? "").trim();
  };
  const found = [...scope.querySelectorAll(kinds)].find(
    (element) =>
      nameOf(element) === name && !element.matches(":disabled") && element.getClientRects().length > 0,
  );
  if (found === undefined) return null;
  found.scrollIntoView({ block: "center" });
  const { x, y, width, height } = found.getBoundingClientRect();
  return { x: x + width / 2, y: y + height / 2 };
}

/** Chromium writes where it listens to its standard error. */
async function portOf(program: Bun.Subprocess): Promise<number> {
  const { stderr } = program;
  if (!(stderr instanceof ReadableStream)) throw new Error("Chromium's output cannot be read.");
  const reader = stderr.getReader();
  const decoder = new TextDecoder();
  let text = "";
  const deadline = Date.now() + stepMs;
  while (Date.now() < deadline) {
    const { done, value } = await reader.read();
    if (done) break;
    text += decoder.decode(value, { stream: true });
    const port = /DevTools listening on ws:\/\/127\.0\.0\.1:(\d+)\//.exec(text)?.[1];
    if (port === undefined) continue;
    // It must go on being read: a full pipe would stop the program.
    void drain(reader);
    return Number(port);
  }
  throw new Error(`Chromium did not start: ${text.slice(-600)}`);
}

async function drain(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
  try {
    for (;;) if ((await reader.read()).done) return;
  } catch {
    // It was killed.
  }
}
