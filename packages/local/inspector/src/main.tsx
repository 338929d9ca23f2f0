import { render, type VNode } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { Api, Refused, forgetToken, keepToken, takeToken, type SessionInfo } from "./api";
import { SessionList } from "./list";
import { SessionView } from "./session";

interface Listing {
  language: "python" | "bash";
  sessions: SessionInfo[];
}

function Inspector(): VNode {
  const [token, setToken] = useState(takeToken);
  const [problem, setProblem] = useState("");
  const refuse = (message: string): void => {
    forgetToken();
    setProblem(message);
    setToken("");
  };
  if (token === "") {
    const enter = (given: string): void => {
      keepToken(given);
      setToken(given);
    };
    return <TokenForm problem={problem} onToken={enter} />;
  }
  return <Sessions key={token} token={token} onRefused={refuse} />;
}

function TokenForm(props: { problem: string; onToken: (token: string) => void }): VNode {
  const [given, setGiven] = useState("");
  const submit = (event: Event): void => {
    event.preventDefault();
    if (given.trim() !== "") props.onToken(given.trim());
  };
  return (
    <main class="door">
      <form onSubmit={submit}>
        <h1>Session inspector</h1>
        <p>This page shows what code runs in the sessions of this pool. It needs the pool's token.</p>
        <label for="token">Token</label>
        <input
          id="token"
          type="password"
          autocomplete="off"
          value={given}
          onInput={(event) => setGiven(event.currentTarget.value)}
        />
        {props.problem && <p class="problem" role="alert">{props.problem}</p>}
        <button class="primary" type="submit">Open</button>
      </form>
    </main>
  );
}

function Sessions({ token, onRefused }: { token: string; onRefused: (why: string) => void }): VNode {
  const api = useMemo(() => new Api(token), [token]);
  const [listing, setListing] = useState<Listing | null>(null);
  const [chosen, setChosen] = useState<string | null>(null);
  const [reading, setReading] = useState(false);
  const now = useNow();

  useEffect(() => {
    const stop = new AbortController();
    const follow = async (): Promise<void> => {
      try {
        for await (const event of api.events<Listing>("/inspect/api/sessions/events", {}, stop.signal)) {
          setListing(event);
        }
      } catch (error) {
        if (error instanceof Refused) onRefused(error.message);
      }
    };
    void follow();
    return () => stop.abort();
  }, [api]);

  const sessions = listing?.sessions ?? [];
  const live = sessions.filter((each) => each.state !== "ended");
  const present = sessions.find((each) => each.key === chosen) ?? live.at(-1) ?? sessions[0];
  useEffect(() => {
    // What is shown first stays shown when others come.
    if (chosen === null && present !== undefined) setChosen(present.key);
  }, [chosen, present?.key]);

  const choose = (key: string): void => {
    setChosen(key);
    setReading(true);
  };
  return (
    <div class={`layout ${reading ? "reading" : ""}`}>
      <SessionList sessions={sessions} chosen={present?.key ?? ""} now={now} reading={reading} onChoose={choose} />
      {present === undefined ? (
        <main class="empty">
          <h2>{listing === null ? "Connecting…" : "No sessions yet"}</h2>
          {listing !== null && <p>A session appears here with the first code that an agent runs.</p>}
        </main>
      ) : (
        <SessionView
          key={present.key}
          api={api}
          session={present}
          language={listing?.language ?? "python"}
          now={now}
          reading={reading}
          onBack={() => setReading(false)}
        />
      )}
    </div>
  );
}

function useNow(): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  return now;
}

const root = document.getElementById("inspector");
if (root !== null) render(<Inspector />, root);
