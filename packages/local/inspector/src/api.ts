// The pool's HTTP API, with the token in a header. A cookie would be sent to every other port of this
// machine too, and to whoever listens there.

export type SessionState = "idle" | "running" | "ended";

export interface SessionInfo {
  key: string;
  identifier: string;
  state: SessionState;
  createdAt: string;
  lastAccessedAt: string;
  expireAt: string;
  memoryBytes: number;
  executions: number;
}

export type CellState =
  | "waiting" | "running" | "succeeded" | "failed" | "timed_out" | "aborted" | "canceled";

export interface CellInfo {
  number: number;
  code: string;
  language: "python" | "bash";
  isSetUp: boolean;
  state: CellState;
  askedAt: string;
  begunAt: string | null;
  seconds: number | null;
  stdout: string;
  stderr: string;
  result: string | null;
  exitCode: number | null;
  html: string;
  image: { format: string; data: string } | null;
  truncated: boolean;
  newKernel: boolean;
}

export interface CellsEvent {
  ended: boolean;
  first: number;
  cells: CellInfo[];
}

export interface FileInfo {
  name: string;
  directory: string;
  type: "file" | "directory";
  sizeInBytes: number;
}

const VERSION = "2025-10-02-preview";
const STORED = "dynamic-sessions-token";
const RETRY_MILLISECONDS = 1000;

export class Refused extends Error {
  constructor(readonly status: number, message: string) {
    super(message);
  }
}

// The token comes behind the page's "#", which browsers send to nobody, and leaves the address at once.
export function takeToken(): string {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given !== null) {
    sessionStorage.setItem(STORED, given);
    history.replaceState(null, "", location.pathname);
  }
  return sessionStorage.getItem(STORED) ?? "";
}

export function keepToken(token: string): void {
  sessionStorage.setItem(STORED, token);
}

export function forgetToken(): void {
  sessionStorage.removeItem(STORED);
}

export class Api {
  constructor(private readonly token: string) {}

  interrupt(session: string): Promise<unknown> {
    return this.send("POST", "/inspect/api/interrupt", { session });
  }

  async exported(session: string, what: "notebook" | "script"): Promise<Blob> {
    return (await this.send("GET", `/inspect/api/${what}`, { session })).blob();
  }

  delete(identifier: string): Promise<unknown> {
    return this.send("DELETE", "/session", pool({ identifier }));
  }

  run(identifier: string, code: string, language: "python" | "bash"): Promise<unknown> {
    const what = language === "bash" ? { shellCommand: code } : { code };
    const body = { ...what, executionType: "Asynchronous", outputStreamsMaxLength: 1_000_000 };
    return this.send("POST", "/executions", pool({ identifier }), JSON.stringify(body));
  }

  async files(identifier: string): Promise<FileInfo[]> {
    const query = pool({ identifier, recursive: "true" });
    const body = (await (await this.send("GET", "/files", query)).json()) as { value: FileInfo[] };
    return body.value;
  }

  async file(identifier: string, path: string): Promise<Blob> {
    const place = path.split("/").map(encodeURIComponent).join("/");
    return (await this.send("GET", `/files/${place}/content`, pool({ identifier }))).blob();
  }

  // Yields what the server says until the signal is given; a connection that broke is made anew.
  async *events<T>(path: string, query: Record<string, string>, signal: AbortSignal): AsyncGenerator<T> {
    while (!signal.aborted) {
      try {
        const response = await this.send("GET", path, query, undefined, signal);
        yield* messages<T>(response);
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof Refused) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY_MILLISECONDS));
    }
  }

  private async send(
    method: string,
    path: string,
    query: Record<string, string>,
    body?: string,
    signal?: AbortSignal,
  ): Promise<Response> {
    const headers: Record<string, string> = { authorization: `Bearer ${this.token}` };
    if (body !== undefined) headers["content-type"] = "application/json";
    const response = await fetch(`${path}?${new URLSearchParams(query)}`, {
      method,
      headers,
      body: body ?? null,
      signal: signal ?? null,
      cache: "no-store",
      credentials: "omit",
      redirect: "error",
    });
    if (!response.ok) throw new Refused(response.status, await reason(response));
    return response;
  }
}

function pool(query: Record<string, string>): Record<string, string> {
  return { "api-version": VERSION, ...query };
}

async function reason(response: Response): Promise<string> {
  try {
    const body = (await response.json()) as { error: { message: string } };
    return body.error.message;
  } catch {
    return `The pool answered ${response.status}.`;
  }
}

async function* messages<T>(response: Response): AsyncGenerator<T> {
  if (response.body === null) return;
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  const parts: string[] = [];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    if (!value.includes("\n")) {
      parts.push(value);
      continue;
    }
    const lines = (parts.join("") + value).split("\n");
    parts.length = 0;
    parts.push(lines.pop() ?? "");
    for (const line of lines) {
      if (line.startsWith("data: ")) yield JSON.parse(line.slice("data: ".length)) as T;
    }
  }
}
