import type { VNode } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { SessionInfo } from "./api";
import { visible } from "./terminal";
import { age, bytes, plural } from "./words";

interface Props {
  sessions: SessionInfo[];
  chosen: string;
  now: number;
  // Whether a session has taken its place, in a narrow window.
  reading: boolean;
  onChoose: (key: string) => void;
}

export function SessionList({ sessions, chosen, now, reading, onChoose }: Props): VNode {
  const nav = useRef<HTMLElement>(null);
  const wasReading = useRef(reading);
  useLayoutEffect(() => {
    // The button that led back is out of sight by now.
    if (wasReading.current && !reading) nav.current?.querySelector<HTMLElement>('[aria-current="true"]')?.focus();
    wasReading.current = reading;
  }, [reading]);
  const live = sessions.filter((each) => each.state !== "ended");
  const ended = sessions.filter((each) => each.state === "ended");
  const group = (title: string, members: SessionInfo[]): VNode | null =>
    members.length === 0 ? null : (
      <section>
        <h2>{title}</h2>
        <ul>
          {members.map((each) => (
            <li key={each.key}>
              <button
                type="button"
                class="session"
                aria-current={each.key === chosen}
                onClick={() => onChoose(each.key)}
              >
                <span class={`dot ${each.state}`} aria-hidden="true" />
                <span class="name">{visible(each.identifier)}</span>
                <span class="facts">{facts(each, now)}</span>
              </button>
            </li>
          ))}
        </ul>
      </section>
    );
  return (
    <nav aria-label="Sessions" ref={nav}>
      <h1>Sessions</h1>
      {group(`Live · ${live.length}`, live)}
      {group("Ended", ended)}
      {sessions.length === 0 && <p class="hint">None so far.</p>}
    </nav>
  );
}

function facts(session: SessionInfo, now: number): string {
  const runs = plural(session.executions, "run");
  if (session.state === "ended") return runs;
  return `${session.state} · ${age(session.createdAt, now)} · ${bytes(session.memoryBytes)} · ${runs}`;
}
