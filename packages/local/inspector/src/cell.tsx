import type { VNode } from "preact";
import { memo } from "./memo";
import { useState } from "preact/hooks";
import type { CellInfo } from "./api";
import { Code } from "./code";
import { ResultFrame } from "./frame";
import { Terminal, visible } from "./terminal";
import { STATES, clock, duration, plural } from "./words";

const LINES_SHOWN = 24;
const CHARACTERS_SHOWN = 2_000;

interface Props {
  cell: CellInfo;
  now: number;
}

export const Cell = memo(
  ({ cell, now }: Props): VNode => (
    <article class={`cell ${cell.state}`} aria-label={`Run ${cell.number}, ${STATES[cell.state]}`}>
      <p class="meta">
        <span class="number">{cell.number}</span>
        <span class="state">{STATES[cell.state]}</span>
        <span>{elapsed(cell, now)}</span>
        <time datetime={cell.askedAt}>{clock(cell.askedAt)}</time>
      </p>
      {cell.isSetUp && cell.state === "succeeded" ? (
        // Told by its look alone: code of an agent may have the same, and is one key press away.
        <details class="body set-up">
          <summary>Looks like a client's set-up</summary>
          <Body cell={cell} />
        </details>
      ) : (
        <div class="body"><Body cell={cell} /></div>
      )}
    </article>
  ),
  // A second that passes is news for running code alone.
  (before, after) => before.cell === after.cell && after.cell.state !== "running",
);

function Body({ cell }: { cell: CellInfo }): VNode {
  const went = cell.state === "succeeded" || cell.state === "running";
  return (
    <>
      {cell.newKernel && cell.number > 1 && (
        <p class="hint">A new interpreter from here on: earlier variables are gone.</p>
      )}
      <Source cell={cell} />
      {cell.stdout && <Terminal text={cell.stdout} kind="stdout" atEnd={cell.state === "running"} />}
      {cell.image && (
        <img class="picture" src={`data:image/${cell.image.format};base64,${cell.image.data}`} alt={`Picture of run ${cell.number}`} />
      )}
      {cell.html ? (
        <ResultFrame html={cell.html} number={cell.number} />
      ) : (
        cell.result !== null && <pre class="value">{visible(cell.result)}</pre>
      )}
      {cell.stderr && <Terminal text={cell.stderr} kind={went ? "stderr" : "traceback"} atEnd={cell.state !== "succeeded"} />}
      {cell.exitCode !== null && cell.exitCode !== 0 && <p class="hint">Exit code {cell.exitCode}</p>}
      {cell.truncated && <p class="hint">The output was cut at its limit.</p>}
    </>
  );
}

function Source({ cell }: { cell: CellInfo }): VNode {
  const [whole, setWhole] = useState(false);
  const code = cell.code.replace(/\n+$/, "");
  const shown = code.split("\n").slice(0, LINES_SHOWN).join("\n").slice(0, CHARACTERS_SHOWN);
  const hidden = code.slice(shown.length).trim();
  if (whole || hidden.length < shown.length / 8) return <Code code={code} language={cell.language} />;
  return (
    <div class="folded">
      <Code code={shown} language={cell.language} />
      <button type="button" class="more" onClick={() => setWhole(true)}>{`Show ${rest(hidden)} more`}</button>
    </div>
  );
}

function rest(hidden: string): string {
  const lines = hidden.split("\n").length;
  return lines > 1 ? plural(lines, "line") : plural(hidden.length, "character");
}

function elapsed(cell: CellInfo, now: number): string {
  if (cell.seconds !== null) return duration(cell.seconds);
  if (cell.state !== "running" || cell.begunAt === null) return "";
  return duration(Math.max(1, Math.floor((now - Date.parse(cell.begunAt)) / 1000)));
}
