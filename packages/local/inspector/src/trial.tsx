// A cell to try something in the session, beside what the agent runs there.
import type { VNode } from "preact";
import { useState } from "preact/hooks";

const MOST_ROWS = 12;

interface Props {
  language: "python" | "bash";
  // Tells whether the pool took the code.
  onRun: (code: string) => Promise<boolean>;
}

export function Trial(props: Props): VNode {
  const [code, setCode] = useState("");
  const run = (): void => {
    if (code.trim() === "") return;
    setCode("");
    void props.onRun(code).then((taken) => {
      if (!taken) setCode((typed) => typed || code);
    });
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey || event.shiftKey)) return;
    event.preventDefault();
    run();
  };
  const what = props.language === "bash" ? "a command" : "some Python";
  return (
    <form
      class="trial"
      onSubmit={(event) => {
        event.preventDefault();
        run();
      }}
    >
      <textarea
        aria-label="Code to try in this session"
        placeholder={`Try ${what} in this session`}
        spellcheck={false}
        autocomplete="off"
        autocapitalize="off"
        rows={Math.min(Math.max(code.split("\n").length, 2), MOST_ROWS)}
        value={code}
        onInput={(event) => setCode(event.currentTarget.value)}
        onKeyDown={onKeyDown}
      />
      <div class="run">
        <button class="primary" type="submit" disabled={code.trim() === ""}>Run</button>
        <span class="hint"><kbd>Shift</kbd> <kbd>Enter</kbd></span>
      </div>
    </form>
  );
}
