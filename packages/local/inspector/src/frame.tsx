// HTML that a session made, in a frame that may do nothing: no scripts, no origin, no network.
import type { VNode } from "preact";
import { useMemo } from "preact/hooks";

interface Policy {
  createHTML(text: string): string;
}

const trusted = (
  globalThis as { trustedTypes?: { createPolicy(name: string, rules: Policy): Policy } }
).trustedTypes;
const identity: Policy = { createHTML: (text) => text };
const policy = trusted?.createPolicy("result-frame", identity) ?? identity;

const LEADING = new Set(["href", "xlink:href", "src", "srcset", "ping", "action", "formaction", "background"]);
const ROW_PIXELS = 29;
const LEAST_PIXELS = 72;
const MOST_PIXELS = 420;

export function ResultFrame({ html }: { html: string }): VNode {
  const content = useMemo(() => policy.createHTML(page(quiet(html))), [html]);
  return (
    <iframe
      class="result"
      title="Result as HTML"
      sandbox=""
      referrerpolicy="no-referrer"
      height={height(html)}
      srcdoc={content}
    />
  );
}

function page(html: string): string {
  const styles = `${location.origin}/inspect/static/result.css`;
  const rules = `default-src 'none'; img-src data:; style-src ${styles}`;
  return (
    `<!doctype html><meta charset="utf-8"><meta http-equiv="content-security-policy" content="${rules}">` +
    `<meta name="color-scheme" content="light dark"><link rel="stylesheet" href="${styles}"><body>${html}`
  );
}

// No policy keeps a browser from connecting ahead of a click or at a hint, which tells a host's name.
function quiet(html: string): string {
  const parsed = new DOMParser().parseFromString(policy.createHTML(html), "text/html");
  for (const element of parsed.querySelectorAll("link, meta, base, script, iframe, object, embed")) element.remove();
  for (const element of parsed.querySelectorAll("*")) {
    for (const { name, value } of [...element.attributes]) {
      if (LEADING.has(name.toLowerCase()) && !/^data:image\//i.test(value)) element.removeAttribute(name);
    }
  }
  return parsed.body.innerHTML;
}

// The frame cannot be measured, since it shares nothing with this page.
function height(html: string): number {
  const rows = html.split(/<tr[\s>]/i).length;
  return Math.min(Math.max(rows * ROW_PIXELS + 24, LEAST_PIXELS), MOST_PIXELS);
}
