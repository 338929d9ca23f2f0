// HTML that a session made, in a frame that may do nothing: no scripts, no origin, no network.
import type { VNode } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { cleaned, policy } from "./cleaning";

const STYLES = "/inspect/static/result.css";
const NONCE = document.querySelector<HTMLMetaElement>('meta[name="style-nonce"]')?.content ?? "";
const MARGIN_PIXELS = 4;
// Below what is too wide.
const SCROLL_BAR_PIXELS = 16;
const MOST_PIXELS = 480;

export function ResultFrame({ html, number }: { html: string; number: number }): VNode {
  const content = useMemo(() => cleaned(html, NONCE), [html]);
  // Once for each content: a frame whose text is set again loads again.
  const text = useMemo(() => policy.createHTML(page(content)), [content]);
  const [height, ruler] = useHeight(content);
  return (
    <div class="result">
      <iframe
        title={`Result of run ${number}`}
        sandbox=""
        referrerpolicy="no-referrer"
        height={Math.min(height, MOST_PIXELS)}
        srcdoc={text}
      />
      <div class="ruler" aria-hidden="true" inert ref={ruler} />
    </div>
  );
}

function page(content: HTMLElement): string {
  const rules = `default-src 'none'; img-src data:; style-src 'nonce-${NONCE}' ${location.origin}${STYLES}`;
  const sheets = [...content.querySelectorAll("style")];
  const kind = sheets.some((sheet) => /color|background/i.test(sheet.textContent ?? "")) ? "coloured" : "plain";
  return (
    `<!doctype html><meta charset="utf-8"><meta http-equiv="content-security-policy" content="${rules}">` +
    `<link rel="stylesheet" href="${location.origin}${STYLES}"><body class="${kind}">${content.innerHTML}`
  );
}

// The frame cannot be measured, since it shares nothing with this page. Its text can, out of sight and
// without the styles of the session, which stay in the frame.
function useHeight(content: HTMLElement): [number, { current: HTMLDivElement | null }] {
  const ruler = useRef<HTMLDivElement>(null);
  const root = useRef<ShadowRoot | null>(null);
  const [height, setHeight] = useState(0);
  useEffect(() => {
    if (ruler.current === null) return undefined;
    root.current ??= ruler.current.attachShadow({ mode: "closed" });
    const box = document.createElement("div");
    box.style.display = "flow-root";
    box.append(...[...content.childNodes].map((node) => document.importNode(node, true)));
    for (const sheet of box.querySelectorAll("style")) sheet.remove();
    const styles = document.createElement("link");
    styles.rel = "stylesheet";
    styles.href = STYLES;
    root.current.replaceChildren(styles, box);
    const observer = new ResizeObserver(() => {
      const bar = box.scrollWidth > box.clientWidth ? SCROLL_BAR_PIXELS : 0;
      setHeight(Math.ceil(box.getBoundingClientRect().height) + MARGIN_PIXELS + bar);
    });
    observer.observe(box);
    return () => observer.disconnect();
  }, [content]);
  return [height, ruler];
}
