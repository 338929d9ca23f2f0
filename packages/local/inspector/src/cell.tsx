import type { VNode } from "preact";
import { memo } from "./memo";
import { useState } from "preact/hooks";
import type { CellInfo } from "./api";
import { Code } from "./code";
import { ResultFrame } from "./frame";
import { Terminal, visible } from "./terminal";
import { STATES, clock, duration } from "./words";

const LINES_SHOWN = 24;

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
      <div class="body">
        <Source cell={cell} />
        {cell.stdout && <Terminal text={cell.stdout} kind="stdout" />}
        {cell.image && (
          <img class="picture" src={`data:image/${cell.image.format};base64,${cell.image.data}`} alt={`Picture of run ${cell.number}`} />
        )}
        {cell.html ? <ResultFrame html={cell.html} /> : cell.result !== null && <pre class="value">{visible(cell.result)}</pre>}
        {cell.stderr && <Terminal text={cell.stderr} kind={cell.state === "succeeded" || cell.state === "running" ? "stderr" : "traceback"} />}
        {cell.truncated && <p class="hint">The output was cut at its limit.</p>}
      </div>
    </article>
  ),
  // A second that passes is news for running code alone.
  (before, after) => before.cell === after.cell && after.cell.state !== "running",
);

function Source({ cell }: { cell: CellInfo }): VNode {
  const [whole, setWhole] = useState(false);
  const lines = cell.code.replace(/\n+$/, "").split("\n");
  const hidden = lines.length - LINES_SHOWN;
  if (whole || hidden <= 3) return <Code code={lines.join("\n")} language={cell.language} />;
  return (
    <div class="folded">
      <Code code={lines.slice(0, LINES_SHOWN).join("\n")} language={cell.language} />
      <button type="button" class="more" onClick={() => setWhole(true)}>{`Show ${hidden} more lines`}</button>
    </div>
  );
}

function elapsed(cell: CellInfo, now: number): string {
  if (cell.seconds !== null) return duration(cell.seconds);
  if (cell.state !== "running" || cell.begunAt === null) return "";
  return duration(Math.max(1, Math.floor((now - Date.parse(cell.begunAt)) / 1000)));
}
