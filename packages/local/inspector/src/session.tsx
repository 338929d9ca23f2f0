import type { VNode } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Api, CellInfo, CellsEvent, SessionInfo } from "./api";
import { Cell } from "./cell";
import { Files } from "./files";
import { save } from "./saving";
import { visible } from "./terminal";
import { Trial } from "./trial";
import { age, bytes } from "./words";

const NEAR_END_PIXELS = 120;

interface Props {
  api: Api;
  session: SessionInfo;
  language: "python" | "bash";
  now: number;
  // Whether it takes the place of the list, in a narrow window, so that the focus has to follow.
  reading: boolean;
  onBack: () => void;
}

export function SessionView({ api, session, language, now, reading, onBack }: Props): VNode {
  const [cells, setCells] = useState<CellInfo[]>([]);
  const [problem, setProblem] = useState("");
  const [tab, setTab] = useState<"runs" | "files">("runs");
  const heading = useRef<HTMLHeadingElement>(null);
  const confirming = useRef<HTMLDialogElement>(null);
  const scrolled = useRef<HTMLDivElement>(null);
  const follows = useRef(true);
  const lastTop = useRef(0);
  const ended = session.state === "ended";

  const attempt = async (work: () => Promise<unknown>): Promise<boolean> => {
    setProblem("");
    try {
      await work();
      return true;
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
      return false;
    }
  };

  useEffect(() => {
    const stop = new AbortController();
    void attempt(async () => {
      const query = { session: session.key };
      for await (const event of api.events<CellsEvent>("/inspect/api/cells/events", query, stop.signal)) {
        setCells((before) => merged(before, event));
      }
    });
    return () => stop.abort();
  }, [api, session.key]);

  useLayoutEffect(() => {
    const isOutOfSight = (document.activeElement?.getClientRects().length ?? 0) === 0;
    if (reading && isOutOfSight) heading.current?.focus();
  }, [reading]);

  useLayoutEffect(() => {
    const box = scrolled.current;
    if (box !== null && follows.current) box.scrollTop = box.scrollHeight;
  }, [cells, tab]);

  useEffect(() => {
    // Pictures grow after they were drawn.
    const box = scrolled.current;
    const content = box?.firstElementChild;
    if (!box || !content) return undefined;
    const observer = new ResizeObserver(() => {
      if (follows.current) box.scrollTop = box.scrollHeight;
    });
    observer.observe(content);
    return () => observer.disconnect();
  }, [tab]);

  const onScroll = (): void => {
    const box = scrolled.current;
    if (box === null) return;
    // Only a person scrolls back; that content grew is no reason to stay behind.
    if (box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_END_PIXELS) follows.current = true;
    else if (box.scrollTop < lastTop.current) follows.current = false;
    lastTop.current = box.scrollTop;
  };
  const exported = (what: "notebook" | "script", extension: string): void =>
    void attempt(async () => save(await api.exported(session.key, what), `${fileName(session.identifier)}${extension}`));
  const done = cells.filter((cell) => cell.seconds !== null).length;

  return (
    <main class="view">
      <header>
        <button type="button" class="back" onClick={onBack}>← Sessions</button>
        <div class="title">
          <h2 title={visible(session.identifier)} tabIndex={-1} ref={heading}>{visible(session.identifier)}</h2>
          <p class="facts">
            <span class={`dot ${session.state}`} aria-hidden="true" /> {described(session, now)}
          </p>
        </div>
        <div class="actions">
          <button
            type="button"
            disabled={session.state !== "running"}
            onClick={() => void attempt(() => api.interrupt(session.key))}
          >
            Interrupt
          </button>
          <button type="button" onClick={() => exported("notebook", ".ipynb")}>Notebook</button>
          <button type="button" onClick={() => exported("script", language === "bash" ? ".sh" : ".py")}>Script</button>
          <button type="button" class="danger" disabled={ended} onClick={() => confirming.current?.showModal()}>
            Delete
          </button>
        </div>
        <div class="tabs" role="group" aria-label="What to show">
          <button type="button" aria-pressed={tab === "runs"} onClick={() => setTab("runs")}>Runs</button>
          <button type="button" aria-pressed={tab === "files"} onClick={() => setTab("files")}>Files</button>
        </div>
      </header>
      {problem && <p class="problem" role="alert">{problem}</p>}
      <div class="scrolled" ref={scrolled} onScroll={onScroll} tabIndex={0} role="region" aria-label={tab === "runs" ? "Runs" : "Files"}>
        {tab === "files" ? (
          <Files api={api} identifier={session.identifier} ended={ended} stamp={done} />
        ) : (
          <div class="cells" role="log" aria-live="polite">
            {cells.map((cell) => <Cell key={cell.number} cell={cell} now={now} />)}
            {cells.length === 0 && <p class="hint">Nothing was run in this session yet.</p>}
          </div>
        )}
      </div>
      {tab === "runs" && !ended && (
        <Trial language={language} onRun={(code) => attempt(() => api.run(session.identifier, code, language))} />
      )}
      {ended && <p class="farewell">This session has ended. Its variables and files are gone; what it ran is still here.</p>}
      <dialog ref={confirming} aria-labelledby="deletion">
        <form method="dialog">
          <h3 id="deletion">Delete this session?</h3>
          <p>Its code stops, and its variables and files are gone for the agent too.</p>
          <div class="choices">
            <button type="submit">Keep it</button>
            <button type="submit" class="danger" onClick={() => void attempt(() => api.delete(session.identifier))}>
              Delete session
            </button>
          </div>
        </form>
      </dialog>
    </main>
  );
}

function merged(before: CellInfo[], event: CellsEvent): CellInfo[] {
  const byNumber = new Map(before.map((cell) => [cell.number, cell]));
  for (const cell of event.cells) byNumber.set(cell.number, cell);
  return [...byNumber.values()].filter((cell) => cell.number >= event.first).sort((a, b) => a.number - b.number);
}

function described(session: SessionInfo, now: number): string {
  if (session.state === "ended") return "ended";
  const parts = [session.state, `${age(session.createdAt, now)} old`, bytes(session.memoryBytes)];
  if (session.state === "idle") {
    const left = Math.max(0, (Date.parse(session.expireAt) - now) / 1000);
    parts.push(`ends in ${left < 60 ? `${Math.ceil(left)} s` : `${Math.round(left / 60)} min`} if nothing runs`);
  }
  return parts.join(" · ");
}

function fileName(identifier: string): string {
  return identifier.replace(/[^A-Za-z0-9_-]+/g, "-").slice(0, 64) || "session";
}
