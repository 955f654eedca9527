// The socket on which systemd listens to a service, in python3: Bun has no datagram sockets of a path.

import { findOnPath } from "../../src/system/process.ts";

export const canListen = process.platform === "linux" && findOnPath("python3", process.env["PATH"]) !== null;

const listen = `import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(("\\0" if sys.argv[1][0] == "@" else sys.argv[1][0]) + sys.argv[1][1:])
s.settimeout(25)
print("bound", flush=True)
while True:
    print(repr(s.recv(4096).decode()), flush=True)
`;

/** A path, or an abstract name behind "@". `next` settles with the next datagram, as Python writes it. */
export async function listenForNotices(name: string): Promise<{ next(): Promise<string>; stop(): void }> {
  const child = Bun.spawn(["python3", "-c", listen, name], { stdout: "pipe", stderr: "inherit" });
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  const next = async (): Promise<string> => {
    while (!text.includes("\n")) {
      const { value, done } = await reader.read();
      if (done) throw new Error("the listener has ended");
      text += value;
    }
    const line = text.slice(0, text.indexOf("\n"));
    text = text.slice(line.length + 1);
    return line;
  };
  if ((await next()) !== "bound") throw new Error("the socket is not bound");
  return { next, stop: () => child.kill("SIGKILL") };
}
